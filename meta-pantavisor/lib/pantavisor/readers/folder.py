# SPDX-License-Identifier: MIT
"""Reading a tree of the host as a Storage: what lstat reports, nothing followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from .findings import Damaged
from .target import CHUNK, MAX_DEPTH, MAX_ENTRIES, Entry

_KINDS = {stat.S_IFDIR: "folder", stat.S_IFREG: "file", stat.S_IFLNK: "link"}


class Folder:
    """Every entry below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.entries: dict[str, Entry] = {}
        self._walk("", 0)

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """Raises Damaged."""
        try:
            descriptor = os.open(
                self._root / entry.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            )
        except OSError as error:
            raise Damaged(f"the file cannot be read: {error.strerror}") from error
        with open(descriptor, "rb", buffering=0) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    def link_target(self, entry: Entry) -> str:
        """Raises Damaged."""
        try:
            return os.readlink(self._root / entry.path)
        except OSError as error:
            raise Damaged(f"the link cannot be read: {error.strerror}") from error

    def _walk(self, below: str, depth: int) -> None:
        if depth > MAX_DEPTH or len(self.entries) > MAX_ENTRIES:
            raise Damaged(f"{self._root / below} holds too many files")
        with os.scandir(self._root / below) as found:
            ordered = sorted(found, key=lambda item: os.fsencode(item.name))
        for item in ordered:
            status = item.stat(follow_symlinks=False)
            path = f"{below}{item.name}"
            self.entries[path] = Entry(
                path=path,
                kind=_KINDS.get(stat.S_IFMT(status.st_mode), "other"),
                inode=status.st_dev << 64 | status.st_ino,
                size=status.st_size,
                mode=stat.S_IMODE(status.st_mode),
                links=status.st_nlink,
                owner=(status.st_uid, status.st_gid),
            )
            if self.entries[path].kind == "folder":
                self._walk(f"{path}/", depth + 1)
