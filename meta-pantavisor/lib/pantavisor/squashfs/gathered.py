# SPDX-License-Identifier: MIT
"""Blocks put together to large writes: the kernel takes little more than half the time for these."""

from __future__ import annotations

import ctypes
from typing import Protocol

from .profile import MAX_BLOCK_BYTES

GATHERED_BYTES = MAX_BLOCK_BYTES  # of a write; each block fits


class Target(Protocol):
    """The file itself."""

    def size(self) -> int:
        """Its bytes so far."""

    def write(self, data: object, size: int) -> None:
        """Write ``size`` bytes of ``data``, which ctypes takes for an address, at its end."""

    def read(self, position: int, size: int) -> bytes:
        """The ``size`` bytes from ``position`` on."""

    def truncate(self, size: int) -> None:
        """Cut it to ``size`` bytes."""


class Gathered:
    """The end of a file: what was appended and is not written yet."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._buffer = ctypes.create_string_buffer(GATHERED_BYTES)
        self._room = memoryview(self._buffer).cast("B")
        self._start = target.size()
        self._used = 0

    def append(self, data: bytes) -> int:
        """Put up to GATHERED_BYTES at the end; returns where that was."""
        end = self._used + len(data)
        if end > GATHERED_BYTES:
            self.flush()
            end = len(data)
        self._room[self._used : end] = data
        position = self._start + self._used
        self._used = end
        return position

    def read(self, position: int, size: int) -> bytes:
        """The ``size`` bytes that were appended from ``position`` on."""
        self.flush()
        return self._target.read(position, size)

    def truncate(self, size: int) -> None:
        """Take back what follows the first ``size`` bytes of the file."""
        if size < self._start:
            self._target.truncate(size)
            self._start = size
        self._used = size - self._start

    def flush(self) -> None:
        """Write what is gathered."""
        if self._used:
            self._target.write(self._buffer, self._used)
            self._start += self._used
            self._used = 0
