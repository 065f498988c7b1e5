# SPDX-License-Identifier: MIT
"""``pvr gc``: objects that nothing refers to leave the repository's own pool, and so does what killed
commands left there.

Kept is what the committed state names and what the next commit would name. A pool elsewhere is left alone:
which other repositories use it is written nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import atomic
from ..errors import PantavisorError
from .own_folder import FOLDER
from .repository import POOL, Repository


@dataclass(frozen=True)
class Collected:
    """Objects that were or would be removed, and the bytes that their disk gets back."""

    object_ids: tuple[str, ...]
    freed: int


def collect(repository: Repository, *, dry_run: bool = False) -> Collected:
    """Remove unused objects, or with ``dry_run`` only find them. Raises PantavisorError where that is not
    ours to do.
    """
    _check_own(repository)
    with repository.lock():
        _check_idle(repository.root / FOLDER)
        used = repository.state.object_ids() | repository.working().object_ids()
        pool = repository.pool
        unused = tuple(object_id for object_id in pool if object_id not in used)
        left = pool.leftovers()  # all who write here hold the lock
        freed = sum(map(_bytes_freed, (*map(pool.path, unused), *left)))
        if not dry_run:
            for object_id in unused:
                pool.remove(object_id)
            pool.clean()
    return Collected(unused, freed)


def _bytes_freed(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(map(_bytes_freed, path.iterdir()))
    status = path.lstat()
    # Who checked out by hard links still holds the content.
    return status.st_size if status.st_nlink == 1 else 0


def _check_own(repository: Repository) -> None:
    if repository.pool.root.resolve() != repository.root.resolve() / POOL:
        raise PantavisorError(
            f"the objects of {repository.root} lie in {repository.pool.root}, where others may need them",
            hint="clean repositories that have objects of their own, in .pvr/objects",
        )


def _check_idle(folder: Path) -> None:
    """A process that makes a container holds a lock on a folder here, and has objects that no state names
    yet.
    """
    for entry in folder.glob(".*"):
        if not entry.is_dir() or entry.is_symlink():
            continue
        try:
            with atomic.exclusive(entry, wait=False):
                pass
        except BlockingIOError:
            raise PantavisorError(
                f"another command is at work in {folder.parent}", hint="wait until it ends"
            ) from None
