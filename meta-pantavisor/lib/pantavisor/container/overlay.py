# SPDX-License-Identifier: MIT
"""What one tree has over another, as a layer for overlayfs (kernel:
Documentation/filesystems/overlayfs.rst), and back.

Laid over ``base`` it shows ``new``: changed and added nodes are in it whole, a removed name is a character
device 0:0, and a directory of which nothing was kept is opaque. Directories on the way to these are in it
too, since theirs are the attributes that are seen. A directory whose time alone differs is left out: its
time has no other meaning.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from typing import Optional

from ..errors import FormatError
from ..layers import (
    OPAQUE,
    DeviceNode,
    Directory,
    File,
    Metadata,
    Node,
    Stored,
    Symlink,
    Tree,
    is_whiteout,
    whiteout,
)
from ..squashfs import inodes
from ..squashfs.xattrs import has_place

_NO_LIMIT = 2**32 - 1


def difference(base: Tree, new: Tree, *, mtime: Optional[int] = None) -> Tree:
    """What ``new`` has over ``base``, as a layer.

    ``mtime``, in seconds since 1970, is the latest that the writer gives: later ones count as that one.

    Reads the contents of both trees once. Raises FormatError where ``new`` has what only such layers may
    have.
    """
    root = _Comparison(base, new, _NO_LIMIT if mtime is None else mtime).root()
    made = copy.copy(new)  # with its sources, from which its files are still read
    made.root = root
    return made


class _Comparison:
    def __init__(self, base: Tree, new: Tree, latest: int) -> None:
        self._base = base
        self._new = new
        self._latest = latest
        self._digests = {**dict(_digests(base)), **dict(_digests(new))}

    def root(self) -> Directory:
        # Whatever marks the root of a layer has, overlayfs merges it with those below.
        base, new = self._base.root, self._new.root
        return Directory(new.metadata, self._entries(base, new))

    def _entries(self, base: Directory, new: Directory) -> dict[bytes, Node]:
        entries: dict[bytes, Node] = {}
        for name in sorted(base.entries.keys() | new.entries.keys()):
            old, now = base.entries.get(name), new.entries.get(name)
            if now is None:
                entries[name] = whiteout()
            elif isinstance(old, Directory) and isinstance(now, Directory):
                merged = self._directory(old, now)
                if merged is not None:
                    entries[name] = merged
            elif old is None or not self._is_same(old, now):
                _check(name, now)
                entries[name] = now
        return entries

    def _directory(self, base: Directory, new: Directory) -> Optional[Directory]:
        if base.entries and not base.entries.keys() & new.entries.keys():
            for name, node in new.entries.items():
                _check(name, node)
            xattrs = tuple(sorted((*new.metadata.xattrs, OPAQUE)))
            return Directory(new.metadata._replace(xattrs=xattrs), new.entries)
        entries = self._entries(base, new)
        before, after = (self._stored(node)._replace(mtime=0) for node in (base, new))
        return Directory(new.metadata, entries) if entries or before != after else None

    def _is_same(self, old: Node, now: Node) -> bool:
        return (
            type(old) is type(now)
            and self._stored(old) == self._stored(now)
            and self._body(old) == self._body(now)
        )

    def _body(self, node: Node) -> object:
        if isinstance(node, File):
            return node.size, self._digests[id(node)]
        if isinstance(node, Symlink):
            return node.target
        return (node.is_block, node.major, node.minor) if isinstance(node, DeviceNode) else None

    def _stored(self, node: Node) -> Metadata:
        """The metadata as an image holds it."""
        metadata = node.metadata
        xattrs = tuple(sorted(pair for pair in metadata.xattrs if has_place(pair[0])))
        return metadata._replace(xattrs=xattrs, mtime=inodes.clamp(min(metadata.mtime, self._latest)))


def _check(name: bytes, node: Node) -> None:
    if is_whiteout(node):
        shown = name.decode("utf-8", "backslashreplace")
        raise FormatError(f"{shown} is a character device 0:0, which would hide itself in a patch")
    if isinstance(node, Directory):
        for inner, below in node.entries.items():
            _check(inner, below)


def _digests(tree: Tree) -> Iterator[tuple[int, bytes]]:
    for file, spans in tree.contents():
        hasher = hashlib.sha256()
        for chunk, start, end in spans:
            hasher.update(memoryview(chunk)[start:end])
        yield id(file), hasher.digest()


def overlaid(base: Tree, patch: Tree) -> Tree:
    """The tree that the device sees. Its files are read from both."""
    return Tree(_merged(base.root, patch.root, len(base.sources)), (*base.sources, *patch.sources))


def _merged(base: Directory, patch: Directory, shift: int) -> Directory:
    entries = dict(base.entries)
    for name, node in patch.entries.items():
        below = entries.pop(name, None)
        if is_whiteout(node):
            continue
        if isinstance(node, Directory):
            if not isinstance(below, Directory) or OPAQUE in node.metadata.xattrs:
                below = Directory(node.metadata)
            entries[name] = _merged(below, node, shift)
        else:
            entries[name] = _moved(node, shift)
    return Directory(patch.metadata, entries)


def _moved(node: Node, shift: int) -> Node:
    """The node of the patch, whose sources come after the base's."""
    if isinstance(node, File) and isinstance(node.content, Stored):
        return File(node.metadata, node.size, node.content._replace(source=node.content.source + shift))
    return node
