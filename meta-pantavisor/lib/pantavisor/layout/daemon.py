# SPDX-License-Identifier: MIT
"""Save an image of a docker daemon: GET /images/<name>/get over its unix socket (Docker Engine API 1.24 and
later).
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterable
from typing import BinaryIO

from .. import unixhttp
from ..errors import LimitError, NotFound, PantavisorError
from .archive import MAX_ARCHIVE_BYTES

SOCKET = "/var/run/docker.sock"
TIMEOUT = 300.0  # seconds without a byte; the daemon packs large images before it answers
_MAX_ERROR_BYTES = 64 * 1024


class DaemonError(PantavisorError):
    """The docker daemon cannot be reached or refuses."""


def save(name: str, target: BinaryIO, *, socket: str = SOCKET) -> None:
    """Write the docker-archive of ``name`` into ``target`` and rewind it. Raises DaemonError, NotFound,
    LimitError, and PantavisorError where no daemon answers.
    """
    try:
        with unixhttp.get(
            socket, f"/images/{urllib.parse.quote(name, safe='')}/get", timeout=TIMEOUT
        ) as response:
            if response.status != 200:
                raise _refusal(name, response.status, response.read(_MAX_ERROR_BYTES))
            _copy(response.chunks(), target, name)
    except unixhttp.SocketError as error:
        raise DaemonError(
            f"the docker daemon at {socket} does not give {name}: {error.message}",
            hint="start docker, and let this user read and write its socket",
        ) from error
    target.seek(0)


def _copy(chunks: Iterable[bytes], target: BinaryIO, name: str) -> None:
    written = 0
    for chunk in chunks:
        written += len(chunk)
        if written > MAX_ARCHIVE_BYTES:
            raise LimitError(
                f"{name} of the docker daemon is larger than the {MAX_ARCHIVE_BYTES} bytes allowed"
            )
        target.write(chunk)


def _refusal(name: str, status: int, body: bytes) -> PantavisorError:
    try:
        message = str(json.loads(body)["message"])[:300]
    except (ValueError, KeyError, TypeError):
        message = f"status {status}"
    if status == 404:
        return NotFound(f"the docker daemon has no image {name}", hint=f"run: docker pull {name}")
    return DaemonError(f"the docker daemon refuses {name}: {message}")
