# SPDX-License-Identifier: MIT
"""What layers hide of those below them, by name alone.

Only the merge knows for certain: it follows symbolic links. This is the guess that lets a layer be read
once.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import paths
from .archive import Member
from .merge import OPAQUE, WHITEOUT
from .tree import Directory


class Hidden:
    """Paths that the layers so far hide, from the top down."""

    def __init__(self) -> None:
        self._paths: set[paths.Path] = set()  # these themselves
        self._below: set[paths.Path] = set()  # what lies below these

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

    def hides(self, path: paths.Path) -> bool:
        """Whether a member at ``path`` of the next layer is not seen, or is a whiteout."""
        if path in self._paths or _is_whiteout(path):
            return True
        return bool(self._below) and any(path[:depth] in self._below for depth in range(len(path)))


def _is_whiteout(path: paths.Path) -> bool:
    # Looking once at all of it is much quicker than at each name, and nearly always enough.
    return WHITEOUT in b"/".join(path) and any(name.startswith(WHITEOUT) for name in path)
