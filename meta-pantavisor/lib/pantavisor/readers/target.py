# SPDX-License-Identifier: MIT
"""What the kinds of target have in common: bytes at positions, entries with inodes, chunks of content."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Optional, Protocol

from .findings import Damaged

CHUNK = 1024 * 1024  # bytes read at a time
MAX_ENTRIES = 200_000
MAX_DEPTH = 64
MAX_SMALL_FILE = 16 * 1024 * 1024  # bytes of a file that is read as a whole

Chunks = Callable[[], Iterator[bytes]]  # content in pieces, again with each call


class Reader:
    """A window of a file: ``size`` bytes from ``start``. Reads never leave it."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self.descriptor = descriptor
        self.start = start
        self.size = size

    def pread(self, count: int, at: int) -> bytes:
        """Up to ``count`` bytes from ``at``; fewer at the end, none outside."""
        if at < 0 or at >= self.size or count <= 0:
            return b""
        return os.pread(self.descriptor, min(count, self.size - at), self.start + at)

    def window(self, start: int, size: int) -> Reader:
        """The ``size`` bytes from ``start``; raises Damaged where they lie outside."""
        if start < 0 or size < 0 or start + size > self.size:
            raise Damaged(f"{size} bytes from {start} lie outside of all {self.size} bytes")
        return Reader(self.descriptor, self.start + start, size)


class OpenFile:
    """A Reader over a whole file, closed at the end of the block."""

    def __init__(self, path: os.PathLike[str]) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Reader:
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
        return Reader(self._descriptor, 0, os.lseek(self._descriptor, 0, os.SEEK_END))

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        os.close(self._descriptor)


@dataclass(frozen=True)
class Entry:
    """A name in a tree. ``kind`` is file, folder, link or other; the same ``inode`` is the same file."""

    path: str
    kind: str
    inode: int
    size: int
    mode: int
    links: int
    owner: tuple[int, int]


class Storage(Protocol):
    """A tree of files, of the host or of an image."""

    entries: dict[str, Entry]

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """The content in pieces of about CHUNK bytes. Raises Damaged where it cannot be read."""

    def link_target(self, entry: Entry) -> str:
        """Where a link leads. Raises Damaged where it cannot be read."""


def read_small(storage: Storage, entry: Entry, *, limit: int = MAX_SMALL_FILE) -> bytes:
    """The whole content of a file of at most ``limit`` bytes. Raises Damaged."""
    if entry.size > limit:
        raise Damaged(f"the file is {entry.size} bytes long, more than the {limit} allowed")
    return b"".join(storage.chunks(entry))
