# SPDX-License-Identifier: MIT
"""A file system as a plain dict, so that a tree, a directory and a mounted image can be compared.

Path -> (kind and permission bits, uid, gid, time, content or target or device, extended attributes, first
name of its inode). Times of directories are left out: tools that unpack stamp those that they make, or add
to, with the present. Contents are read in pieces, so that files may be larger than memory.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Union

from pantavisor.layers.tree import DeviceNode, Directory, Fifo, File, Node, Socket, Symlink, Tree

Listing = dict[bytes, tuple[Any, ...]]


def of_tree(tree: Tree, *, times: bool = True) -> Listing:
    """What ``tree`` holds; reads all contents."""
    contents = {
        id(file): _digest(memoryview(c)[s:e] for c, s, e in spans) for file, spans in tree.contents()
    }
    listing: Listing = {}
    first: dict[int, bytes] = {}
    for path, node in [(b".", tree.root), *sorted(tree.walk())]:
        meta = node.metadata
        name = None if isinstance(node, Directory) else first.setdefault(id(node), path)
        time = None if isinstance(node, Directory) or not times else meta.mtime
        kind = f"{_kind(node)}{meta.mode:o}"
        listing[path] = (kind, meta.uid, meta.gid, time, _detail(node, contents), meta.xattrs, name)
    return listing


def of_directory(top: Path, *, times: bool = True) -> Listing:
    """What lies below ``top``, itself included."""
    listing: Listing = {}
    first: dict[int, bytes] = {}
    root = os.fsencode(top)
    for path in sorted(_paths(root)):
        place = os.path.join(root, path)
        status = os.lstat(place)
        is_directory = stat.S_ISDIR(status.st_mode)
        name = None if is_directory else first.setdefault(status.st_ino, path)
        time = None if is_directory or not times else int(status.st_mtime // 1)
        kind = f"{stat.filemode(status.st_mode)[0]}{stat.S_IMODE(status.st_mode):o}"
        listing[path] = (
            kind,
            status.st_uid,
            status.st_gid,
            time,
            _read(place, status),
            _xattrs(place),
            name,
        )
    return listing


def folder_times(top: Path, *, before: float) -> dict[bytes, int]:
    """The times of directories below ``top``, but for those that were stamped with the present, from
    ``before`` on.
    """
    root = os.fsencode(top)
    found = {path: os.lstat(os.path.join(root, path)) for path in _paths(root)}
    times = {
        path: int(status.st_mtime // 1) for path, status in found.items() if stat.S_ISDIR(status.st_mode)
    }
    return {path: time for path, time in times.items() if time < int(before)}


def differences(one: Listing, other: Listing) -> dict[bytes, tuple[Any, Any]]:
    """Where the two disagree."""
    return {
        path: (one.get(path), other.get(path))
        for path in one.keys() | other.keys()
        if one.get(path) != other.get(path)
    }


def _paths(root: bytes) -> list[bytes]:
    found = [b"."]
    for folder, folders, files in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in folders + files]
    return found


def _kind(node: Node) -> str:
    if isinstance(node, DeviceNode):
        return "b" if node.is_block else "c"
    return {File: "-", Directory: "d", Symlink: "l", Fifo: "p", Socket: "s"}[type(node)]


def _detail(node: Node, contents: dict[int, tuple[int, str]]) -> Any:
    if isinstance(node, File):
        return contents[id(node)]
    if isinstance(node, DeviceNode):
        return (node.major, node.minor)
    return node.target if isinstance(node, Symlink) else None


def _read(place: bytes, status: os.stat_result) -> Any:
    if stat.S_ISREG(status.st_mode):
        with open(place, "rb") as stream:
            return _digest(iter(partial(stream.read, 1 << 20), b""))
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        return (os.major(status.st_rdev), os.minor(status.st_rdev))
    return os.readlink(place) if stat.S_ISLNK(status.st_mode) else None


def _xattrs(place: bytes) -> tuple[tuple[bytes, bytes], ...]:
    try:
        names = os.listxattr(place, follow_symlinks=False)
    except OSError as error:
        # A squashfs in which nothing has any.
        if error.errno != errno.ENOTSUP:
            raise
        names = []
    return tuple(
        sorted((os.fsencode(name), os.getxattr(place, name, follow_symlinks=False)) for name in names)
    )


def _digest(pieces: Iterable[Union[bytes, memoryview]]) -> tuple[int, str]:
    size, hasher = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        hasher.update(piece)
    return size, hasher.hexdigest()
