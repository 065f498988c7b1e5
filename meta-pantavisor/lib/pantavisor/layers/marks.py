# SPDX-License-Identifier: MIT
"""What an image must not mark for the device's overlayfs (kernel: Documentation/filesystems/overlayfs.rst).

A root file system becomes a layer of an overlay. There ``trusted.overlay.*`` and ``user.overlay.*`` are
orders to the kernel (opaque hides a whole lower directory), and so is a character device 0:0. An image that
was packed from such a layer brings them along, where container engines show neither. They are left out
while a tree is read, and named.
"""

from __future__ import annotations

from collections.abc import Iterable

from .tree import DeviceNode, Directory, Metadata, Node, Xattrs

PREFIXES = (b"trusted.overlay.", b"user.overlay.")
OPAQUE = (b"trusted.overlay.opaque", b"y")  # of a directory that hides all below it
WHITEOUT = "character device 0:0"


class Marks:
    """The marks met in one tree, by name."""

    def __init__(self) -> None:
        self._found: set[str] = set()

    @property
    def found(self) -> tuple[str, ...]:
        return tuple(sorted(self._found))

    def add(self, found: Iterable[str]) -> None:
        """What was met elsewhere."""
        self._found.update(found)

    def without(self, xattrs: Xattrs) -> Xattrs:
        """The attributes that are not marks."""
        marks = [name for name, _ in xattrs if name.startswith(PREFIXES)]
        if not marks:
            return xattrs
        self._found.update(name[:80].decode("utf-8", "backslashreplace") for name in marks)
        return tuple(pair for pair in xattrs if pair[0] not in marks)

    def see(self, node: Node) -> Node:
        """Remember a whiteout; ``sweep`` takes it out when the tree is whole, since until then it replaces
        others.
        """
        if is_whiteout(node):
            self._found.add(WHITEOUT)
        return node

    def sweep(self, root: Directory) -> None:
        if WHITEOUT not in self._found:
            return
        left = [root]
        while left:
            directory = left.pop()
            for name in [name for name, node in directory.entries.items() if is_whiteout(node)]:
                del directory.entries[name]
            left += [node for node in directory.entries.values() if isinstance(node, Directory)]


def whiteout() -> DeviceNode:
    """What hides a name of the layers below."""
    return DeviceNode(Metadata(0, 0, 0, 0), False, 0, 0)


def is_whiteout(node: Node) -> bool:
    return isinstance(node, DeviceNode) and not node.is_block and (node.major, node.minor) == (0, 0)
