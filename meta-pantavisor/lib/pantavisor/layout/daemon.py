# SPDX-License-Identifier: MIT
"""Save an image of a docker daemon: GET /images/<name>/get over its unix socket (Docker Engine API 1.24 and later)."""

from __future__ import annotations

import http.client
import json
import shutil
import socket as sockets
import urllib.parse
from typing import BinaryIO

from ..errors import LimitError, NotFound, PantavisorError
from .archive import MAX_ARCHIVE_BYTES

SOCKET = "/var/run/docker.sock"
TIMEOUT = 300.0  # seconds without a byte; the daemon packs large images before it answers
_MAX_ERROR_BYTES = 64 * 1024


class DaemonError(PantavisorError):
    """The docker daemon cannot be reached or refuses."""


class _TargetError(Exception):
    """The copy cannot be written, which is not the daemon's fault."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def save(name: str, target: BinaryIO, *, socket: str = SOCKET) -> None:
    """Write the docker-archive of ``name`` into ``target`` and rewind it."""
    connection = _UnixConnection(socket)
    try:
        connection.request("GET", f"/images/{urllib.parse.quote(name, safe='')}/get")
        response = connection.getresponse()
        if response.status != 200:
            raise _refusal(name, response.status, response.read(_MAX_ERROR_BYTES))
        _copy(response, target, name)
    except _TargetError as error:
        raise error.reason from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DaemonError(
            f"the docker daemon at {socket} does not give {name}: {reason}",
            hint="is docker running, and may this user reach its socket?",
        ) from error
    finally:
        connection.close()
    target.seek(0)


def _copy(response: http.client.HTTPResponse, target: BinaryIO, name: str) -> None:
    written = 0
    while chunk := response.read(shutil.COPY_BUFSIZE if hasattr(shutil, "COPY_BUFSIZE") else 65536):
        written += len(chunk)
        if written > MAX_ARCHIVE_BYTES:
            raise LimitError(f"{name} of the docker daemon is larger than the {MAX_ARCHIVE_BYTES} bytes allowed")
        try:
            target.write(chunk)
        except OSError as error:
            raise _TargetError(error) from error


def _refusal(name: str, status: int, body: bytes) -> PantavisorError:
    try:
        message = str(json.loads(body)["message"])[:300]
    except (ValueError, KeyError, TypeError):
        message = f"status {status}"
    if status == 404:
        return NotFound(f"the docker daemon has no image {name}", hint=f"docker pull {name}")
    return DaemonError(f"the docker daemon refuses {name}: {message}")
