# SPDX-License-Identifier: MIT
"""A patch laid over its base again, as overlayfs shows them on the device: the inverse of difference.py."""

from __future__ import annotations

from ..layers import OPAQUE, Directory, File, Node, Stored, Tree, is_whiteout


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
