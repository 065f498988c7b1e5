# SPDX-License-Identifier: MIT
"""What layers hide of those below them, by name alone.

Only the merge knows for certain: it follows symbolic links. This is the guess that lets a layer be read
once.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import paths
from .archive import Member
from .merge import OPAQUE, WHITEOUT, is_hiding
from .tree import Directory

MAX_FOLDERS = 4096  # of which is remembered whether they are hidden


class Hidden:
    """Paths that the layers so far hide, from the top down."""

    def __init__(self) -> None:
        self._paths: set[paths.Path] = set()  # these themselves
        self._below: set[paths.Path] = set()  # what lies below these
        self._folders: dict[paths.Path, bool] = {}  # whether all below them is hidden

    def add(self, members: Iterable[Member]) -> None:
        """One more layer."""
        for path, node, _ in members:
            if not path:
                continue
            if path[-1] == OPAQUE:
                self._below.add(path[:-1])
                continue
            if path[-1].startswith(WHITEOUT):
                path = (*path[:-1], path[-1][len(WHITEOUT) :])
                node = None
            self._paths.add(path)
            if not isinstance(node, Directory):
                self._below.add(path)
        self._folders.clear()

    def hides(self, path: paths.Path) -> bool:
        """Whether a member at ``path`` of the next layer is not seen, or is a whiteout."""
        folder = path[:-1]
        is_hidden = self._folders.get(folder)
        if is_hidden is None:
            if len(self._folders) >= MAX_FOLDERS:
                self._folders.clear()
            is_hidden = self._folders[folder] = self._hides_below(folder)
        return is_hidden or path in self._paths or is_hiding(path[-1:])

    def _hides_below(self, folder: paths.Path) -> bool:
        depths = range(len(folder) + 1)
        return is_hiding(folder) or any(folder[:depth] in self._below for depth in depths)
