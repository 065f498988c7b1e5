# SPDX-License-Identifier: MIT
"""One request and its answer, and the sentence for each way in which the network lets it fail."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .deadline import Deadline, SlowTransfer
from .errors import TooSlow, Unreachable

# What OpenSSL calls an answer in plain HTTP.
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
)


@dataclass
class Exchange:
    """What is asked, and how it goes. ``insecure_hint`` is that of the options; ``proxy`` what the
    connection goes through.
    """

    url: str
    deadline: Deadline
    insecure_hint: str = ""
    proxy: str = ""

    @property
    def host(self) -> str:
        return urllib.parse.urlsplit(self.url).netloc.rpartition("@")[2]

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Network failures as Unreachable. Raises TooSlow."""
        try:
            yield
        except ssl.SSLError as error:
            raise self._tls_failure(error) from error
        except SlowTransfer as error:
            raise TooSlow(f"{self.host} is too slow: {error}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._unreachable(error) from error
        if self.deadline.passed:
            raise self._too_slow()

    def _tls_failure(self, error: ssl.SSLError) -> Unreachable:
        host = self.host
        if isinstance(error, ssl.SSLCertVerificationError):
            message = f"the certificate of {host} is not trusted: {error.verify_message}"
            hint = f"put its CA into /etc/docker/certs.d/{host}/ca.crt or SSL_CERT_FILE"
            return Unreachable(message, hint=hint + self._insecure_hint(", or use"), temporary=False)
        if error.reason in _NOT_TLS:
            hint = (
                self._insecure_hint("to use it without, name it by")
                or f"use a URL of {host} that speaks TLS"
            )
            return Unreachable(f"{host} does not speak TLS", hint=hint.strip(), temporary=False)
        return self._unreachable(error)

    def _unreachable(self, error: Exception) -> Unreachable:
        if self.deadline.passed:
            return self._too_slow()
        way = f" through the proxy {self.proxy}" if self.proxy else ""
        hint = "check the network"
        if isinstance(error, ConnectionRefusedError) and not way:
            hint = "check host and port" + self._insecure_hint("; name a host without TLS by")
        return Unreachable(f"{self.host} cannot be reached{way}: {_sentence(error)}", hint=hint)

    def _insecure_hint(self, lead: str) -> str:
        return f"{lead} {self.insecure_hint.format(self.host)}" if self.insecure_hint else ""

    def _too_slow(self) -> TooSlow:
        return TooSlow(
            f"{self.host} is too slow: no complete answer within {self.deadline.seconds:.0f} seconds"
        )


def _sentence(error: Exception) -> str:
    if isinstance(error, socket.timeout):
        return "it does not answer in time"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it closes the connection without an answer"
    if isinstance(error, http.client.IncompleteRead):
        return "it breaks off in the middle"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return "".join(char if char.isprintable() else " " for char in text)[:200]
