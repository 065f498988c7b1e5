# SPDX-License-Identifier: MIT
"""``pvr clone``: a repository from another or from an export, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from .. import atomic
from ..errors import PantavisorError
from .filter import StateSource
from .own_folder import FOLDER
from .repository import Repository
from .sources import Opener, open_local


def clone(
    source: StateSource, directory: Path, *, objects: Optional[str] = None, opener: Opener = open_local
) -> Repository:
    """Make ``directory``, which must be empty or missing, a repository of what is chosen of ``source``.

    ``objects`` is a pool elsewhere, seen from the directory; ``opener`` opens the source.
    Raises PantavisorError.
    """
    target = directory.absolute()
    _check_empty(target)
    with opener(source) as (state, pool):
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic.scratch_for(target) as folder:
            made = Repository.init(
                folder / "new", objects=os.path.normpath(target / objects) if objects else None
            )
            made.merge_from(state, pool, source.part_filter)
            made.remember(source)
            if source.url:
                # Whatever else is taken later, this is where it goes.
                made.remember_target(source.url)
            made.checkout()
            _move(made.root, target)
    return Repository(target)


def _check_empty(target: Path) -> None:
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise PantavisorError(
            f"{target} exists already",
            hint="name a directory after the source that is empty or does not exist",
        )


def _move(made: Path, target: Path) -> None:
    if not target.exists():
        os.rename(made, target)
        return
    # A shell may be in it, and would be nowhere once another folder took its place. What makes it a
    # repository comes last.
    for entry in sorted(made.iterdir(), key=lambda entry: entry.name == FOLDER):
        os.rename(entry, target / entry.name)
