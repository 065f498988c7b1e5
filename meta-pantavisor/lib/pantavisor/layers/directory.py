# SPDX-License-Identifier: MIT
"""A directory of this machine as a tree, read without following links."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Optional

from ..errors import FormatError, NotFound
from .limits import DEFAULT, Budget, Limits
from .marks import Marks
from .tree import DeviceNode, Directory, Fifo, File, Metadata, Node, Socket, Symlink, Tree, Xattrs

Owner = tuple[int, int]


def from_directory(
    path: os.PathLike[str],
    limits: Limits = DEFAULT,
    *,
    owner: Optional[Owner] = (0, 0),
    mode_mask: int = 0o7777,
) -> Tree:
    """The tree below ``path``; contents are read when asked for.

    ``owner`` (uid, gid) is given to everything, since a build's files belong to the user who ran it; None
    keeps what the files have, extended attributes then included. Raises NotFound, FormatError, LimitError.
    """
    top = Path(path)
    if not top.is_dir():
        raise NotFound(f"{top} is not a directory")
    reader = _Reader(Budget(limits), owner, mode_mask)
    root = reader.directory(top, 0)
    reader.marks.sweep(root)
    return Tree(root, left_out=reader.marks.found)


class _Reader:
    def __init__(self, budget: Budget, owner: Optional[Owner], mode_mask: int) -> None:
        self._budget = budget
        self.marks = Marks()
        self._owner = owner
        self._mode_mask = mode_mask
        self._links: dict[tuple[int, int], Node] = {}

    def directory(self, path: Path, depth: int) -> Directory:
        if depth > self._budget.limits.depth:
            raise FormatError(f"{path} lies more than {self._budget.limits.depth} directories deep")
        made = Directory(self._metadata(path, os.lstat(path)))
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            self._budget.add_entry(len(name))
            made.entries[os.fsencode(name)] = self._node(path / name, depth + 1)
        return made

    def _node(self, path: Path, depth: int) -> Node:
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            return self.directory(path, depth)
        identity = (status.st_dev, status.st_ino)
        if status.st_nlink > 1 and identity in self._links:
            return self._links[identity]
        node = self._leaf(path, status)
        self._links[identity] = node
        return node

    def _leaf(self, path: Path, status: os.stat_result) -> Node:
        metadata = self._metadata(path, status)
        mode = status.st_mode
        if stat.S_ISREG(mode):
            return File(metadata, status.st_size, path)
        if stat.S_ISLNK(mode):
            return Symlink(metadata, os.fsencode(os.readlink(path)))
        if stat.S_ISFIFO(mode):
            return Fifo(metadata)
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            numbers = os.major(status.st_rdev), os.minor(status.st_rdev)
            return self.marks.see(DeviceNode(metadata, stat.S_ISBLK(mode), *numbers))
        if stat.S_ISSOCK(mode):
            return Socket(metadata)
        raise FormatError(f"{path} is of a type that no image can hold")

    def _metadata(self, path: Path, status: os.stat_result) -> Metadata:
        uid, gid = self._owner or (status.st_uid, status.st_gid)
        xattrs = () if self._owner else self.marks.without(_xattrs(path))
        mode = stat.S_IMODE(status.st_mode) & self._mode_mask
        return Metadata(mode, uid, gid, int(status.st_mtime // 1), xattrs)


def _xattrs(path: Path) -> Xattrs:
    names = os.listxattr(path, follow_symlinks=False)
    return tuple(
        sorted((os.fsencode(name), os.getxattr(path, name, follow_symlinks=False)) for name in names)
    )
