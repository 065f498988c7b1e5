# SPDX-License-Identifier: MIT
"""Where a cache lies: a directory that only the user can write to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import PantavisorError

FILE = "blocks-1.sqlite"  # another format gets another number
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def own_place(directory: Path) -> Path:
    """The directory behind its links, which is made where it is missing. Raises PantavisorError where
    another than the user could write to it, or to the file.
    """
    hint = "set PVR_CACHE_DIR to a directory that only you can write to, or to nothing"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = directory.resolve()
        for path in (place, *files(place)):
            if not os.path.lexists(path):
                continue
            status = path.lstat()
            if path != place and not stat.S_ISREG(status.st_mode):
                raise PantavisorError(f"{path} is not a regular file", hint=hint)
            if status.st_uid != os.geteuid():
                raise PantavisorError(f"{path} belongs to the user number {status.st_uid}", hint=hint)
            if status.st_mode & _OTHERS_WRITE:
                raise PantavisorError(
                    f"{path} can be written to by other users",
                    hint=f"run: chmod go-w {path}; or {hint}",
                )
    except OSError as error:
        raise PantavisorError(f"{directory} cannot be used: {error.strerror}", hint=hint) from error
    return place


def files(place: Path) -> tuple[Path, Path]:
    """The files that may be in ``place``."""
    # The second is what SQLite takes back from the first when a process was killed.
    return place / FILE, place / f"{FILE}-journal"


def remove(place: Path) -> None:
    """Remove these files. Raises PantavisorError."""
    for path in files(place):
        try:
            path.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise PantavisorError(
                f"{path} cannot be removed: {error.strerror}", hint="check who may write to its directory"
            ) from error
