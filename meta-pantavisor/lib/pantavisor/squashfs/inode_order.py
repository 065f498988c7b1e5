# SPDX-License-Identifier: MIT
"""Inode numbers, and the order in which inodes are written.

A directory can only be written when the places of its entries are known, so children come first and the
root last. The entries of one directory have consecutive numbers, which keeps its listing small.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..layers.tree import Directory, Node, Tree


@dataclass
class InodeOrder:
    """``order`` holds every inode once. The maps are by id() of the node, which the tree keeps alive."""

    order: list[Node] = field(default_factory=list)
    numbers: dict[int, int] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)  # of directories: id() of the directory above
    links: dict[int, int] = field(default_factory=dict)  # names that lead to it

    @classmethod
    def of(cls, tree: Tree) -> InodeOrder:
        """Number the inodes of ``tree``, from 1."""
        numbering = cls()
        stack: list[tuple[Directory, bool]] = [(tree.root, False)]
        while stack:
            directory, visited = stack.pop()
            if visited:
                numbering._add_entries(directory)
                continue
            stack.append((directory, True))
            entries = directory.entries.items()
            below = {name: node for name, node in entries if isinstance(node, Directory)}
            for name in sorted(below, reverse=True):
                numbering.parents[id(below[name])] = id(directory)
                stack.append((below[name], False))
        numbering._add(tree.root)
        return numbering

    def parent_number(self, directory: Directory) -> int:
        """The number of the directory above; the root's is one past the last, as mksquashfs has it."""
        above = self.parents.get(id(directory))
        return len(self.order) + 1 if above is None else self.numbers[above]

    def _add_entries(self, directory: Directory) -> None:
        for name in sorted(directory.entries):
            self._add(directory.entries[name])

    def _add(self, node: Node) -> None:
        key = id(node)
        if key in self.numbers:
            self.links[key] += 1
            return
        self.order.append(node)
        self.numbers[key] = len(self.order)
        self.links[key] = 1
