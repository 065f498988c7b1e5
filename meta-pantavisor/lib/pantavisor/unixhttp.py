# SPDX-License-Identifier: MIT
"""HTTP over a Unix socket: one GET, as daemons of this machine (docker's, a device's control socket) answer
it.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import PantavisorError

CHUNK = 64 * 1024


class SocketError(PantavisorError):
    """There is no connection, or no whole answer. The message is the reason alone, for a sentence of the
    caller.
    """


class Response:
    """The answer; its body is read once."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self._response = response

    def chunks(self) -> Iterator[bytes]:
        """The body in pieces. Raises SocketError where it breaks off."""
        while chunk := self._read(CHUNK):
            yield chunk

    def read(self, limit: int) -> bytes:
        """At most ``limit`` bytes of the body. Raises SocketError."""
        return self._read(limit)

    def _read(self, count: int) -> bytes:
        with _translated():
            found = self._response.read(count)
        if not found and self._response.length:
            raise SocketError("it breaks off in the middle")
        return found


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@contextmanager
def get(path: str, target: str, *, timeout: float) -> Iterator[Response]:
    """GET ``target`` (path and query, quoted) from the socket at ``path``; ``timeout``: seconds without a
    byte.

    Raises SocketError. Errors of the block, such as a full disk, pass as they are.
    """
    connection = _Connection(path, timeout)
    try:
        with _translated():
            connection.request("GET", target)
            response = connection.getresponse()
        yield Response(response)
    finally:
        connection.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise SocketError(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error
