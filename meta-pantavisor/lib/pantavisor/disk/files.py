# SPDX-License-Identifier: MIT
"""What goes into the storage partition: folders and files in one fixed order, hard links recognised.

Symbolic links, devices, sockets and pipes are refused, and names that the script of debugfs could not hold.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import FormatError, LimitError, NotFound

MAX_FILES = 100_000
MAX_DEPTH = 64
MAX_PATH_BYTES = 2048
MAX_NAME_BYTES = 255


@dataclass(frozen=True)
class DiskFile:
    """A file below the root; ``link_to`` names the earlier file of the same inode, ``links`` counts all
    names.
    """

    path: str
    size: int
    mode: int
    link_to: str | None
    links: int


@dataclass(frozen=True)
class DiskFiles:
    """Folders and files, parents and link targets first."""

    root: Path
    folders: tuple[str, ...]
    files: tuple[DiskFile, ...]

    def bytes(self, block: int) -> int:
        """Bytes that the content takes in blocks of ``block``, each inode once, each folder one."""
        blocks = sum(-(-file.size // block) for file in self.files if file.link_to is None)
        return (blocks + len(self.folders)) * block


def scan(root: Path) -> DiskFiles:
    """Read the tree below ``root``, sorted by the bytes of its names. Raises FormatError for
    what an image cannot hold, NotFound where there is no tree."""
    if not root.is_dir():
        raise NotFound(f"the storage tree {root} is not a directory")
    folders: list[str] = []
    files: list[DiskFile] = []
    first: dict[tuple[int, int], int] = {}
    names: dict[tuple[int, int], int] = {}
    for path, status in _walk(root, "", 0):
        if stat.S_ISDIR(status.st_mode):
            folders.append(path)
            continue
        inode = status.st_dev, status.st_ino
        names[inode] = names.get(inode, 0) + 1
        link_to = files[first[inode]].path if inode in first else None
        first.setdefault(inode, len(files))
        files.append(DiskFile(path, status.st_size, stat.S_IMODE(status.st_mode) & 0o755, link_to, 1))
        if len(files) + len(folders) > MAX_FILES:
            raise LimitError(f"{root} holds more than the {MAX_FILES} files allowed")
    for inode, index in first.items():
        files[index] = replace(files[index], links=names[inode])
    return DiskFiles(root, tuple(folders), tuple(files))


def _walk(root: Path, below: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    if depth > MAX_DEPTH:
        raise LimitError(f"{root / below} is nested more than {MAX_DEPTH} levels deep")
    with os.scandir(root / below) as entries:
        ordered = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    for entry in ordered:
        path = f"{below}/{entry.name}" if below else entry.name
        status = entry.stat(follow_symlinks=False)
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise FormatError(
                f"{root / path} is neither a file nor a directory",
                hint="replace it by a plain file: a storage tree has no links or devices",
            )
        _check_name(path, entry.name)
        yield path, status
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(root, path, depth + 1)


def _check_name(path: str, name: str) -> None:
    if any(ord(char) < 32 or char == "\x7f" or 0xD800 <= ord(char) <= 0xDFFF for char in name):
        raise FormatError(f"the storage tree holds a name with odd bytes: {path!r}")
    if len(name.encode()) > MAX_NAME_BYTES or len(path.encode()) > MAX_PATH_BYTES:
        raise LimitError(f"the storage tree holds a path that is too long: {path[:80]!r}...")
    if path == "lost+found":
        raise FormatError("the storage tree may not hold lost+found, which the file system has itself")
