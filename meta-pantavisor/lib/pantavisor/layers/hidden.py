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


class Hidden:
    """Paths that the layers so far hide, from the top down."""

    def __init__(self) -> None:
        self._paths: set[paths.Path] = set()  # these themselves
        self._below: set[paths.Path] = set()  # what lies below these
        self._folder: tuple[paths.Path, bool] = (), False  # the last one, and whether it is hidden

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
        self._folder = (), () in self._below

    def hides(self, path: paths.Path) -> bool:
        """Whether a member at ``path`` of the next layer is not seen, or is a whiteout."""
        return path in self._paths or self._hides_below(path[:-1]) or is_hiding(path)

    def _hides_below(self, folder: paths.Path) -> bool:
        # Members of one folder mostly follow one another.
        if folder != self._folder[0]:
            is_hidden = any(folder[:depth] in self._below for depth in range(len(folder) + 1))
            self._folder = folder, is_hidden
        return self._folder[1]
