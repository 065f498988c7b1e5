# SPDX-License-Identifier: MIT
"""Folders and files below a given folder, reached name by name and held by descriptors: no link is followed
on the way.

A working tree or a card may come from others, and a link of theirs would lead our writing and deleting
elsewhere. A folder that is held here stays the same, whatever becomes of its names. It is handed on as
``/proc/self/fd/N``, a path that every function takes and that leads nowhere else; in errors the folder has
its own name. The root's own name is the user's word: links in it are followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Optional, Union

from .errors import FormatError, LimitError, PantavisorError

PathIn = Union[str, "PathLike[str]"]
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
# Neither a pipe nor a terminal in a file's place holds us up or becomes ours.
_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextmanager
def folder(root: PathIn, path: str = "", *, make: Optional[int] = None) -> Iterator[Path]:
    """The folder ``path`` below ``root``; with ``make`` missing ones are made, of that mode (less the umask
    if 0o777).

    Raises FormatError for links, PantavisorError where /proc is not mounted.
    """
    held = os.open(root, _FOLDER)
    try:
        shown = Path(root)
        for name in filter(None, path.split("/")):
            shown = shown / name
            held = _step(held, name, shown, make)
        place = Path(f"/proc/self/fd/{held}")
        with _named(place, shown):
            yield place
    finally:
        os.close(held)


def open_file(root: PathIn, path: str, *, write: bool = False) -> BinaryIO:
    """The plain file ``path`` below ``root``; with ``write`` to lock it or to change it, made where it is
    missing.

    Raises FormatError for anything but a plain file on a plain way, FileNotFoundError.
    """
    parent, _, name = path.rpartition("/")
    with folder(root, parent) as place:
        try:
            descriptor = os.open(
                place / name, (os.O_RDWR | os.O_CREAT if write else os.O_RDONLY) | _PLAIN, 0o666
            )
        except OSError as error:
            if os.path.islink(place / name):
                raise _refused(Path(root, path), "file") from error
            raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _refused(Path(root, path), "file")
    return os.fdopen(descriptor, "r+b" if write else "rb")


def read(root: PathIn, path: str, *, limit: int) -> bytes:
    """The content of a plain file of at most ``limit`` bytes. Raises as open_file, and LimitError."""
    with open_file(root, path) as stream:
        found = stream.read(limit + 1)
    if len(found) > limit:
        raise LimitError(f"{Path(root, path)} is longer than {limit} bytes")
    return found


def is_file(root: PathIn, path: str) -> bool:
    """Whether ``path`` is a plain file below ``root``, with no link on the way."""
    parent, _, name = path.rpartition("/")
    try:
        with folder(root, parent) as place:
            return stat.S_ISREG(os.lstat(place / name).st_mode)
    except (FileNotFoundError, NotADirectoryError, FormatError):
        return False


def _step(held: int, name: str, shown: Path, make: Optional[int]) -> int:
    """The next folder in place of the one ``held``, which is closed in any case but an error."""
    if name in (".", ".."):
        raise FormatError(f"{shown} is not a plain path")
    made = False
    if make is not None:
        try:
            os.mkdir(name, dir_fd=held)
            made = True
        except FileExistsError:
            pass
    try:
        deeper = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=held)
    except NotADirectoryError as error:
        raise _refused(shown, "directory") from error
    except OSError as error:
        error.filename = str(shown)
        raise
    if made and make not in (None, 0o777):
        os.chmod(f"/proc/self/fd/{deeper}", make)  # the umask must not get into an image
    os.close(held)
    return deeper


@contextmanager
def _named(place: Path, shown: Path) -> Iterator[None]:
    """Errors speak of the folder as people know it."""

    def renamed(text: str) -> str:
        return re.sub(rf"{place}(?![0-9])", lambda _: str(shown), text)

    try:
        yield
    except OSError as error:
        if not os.path.isdir("/proc/self/fd"):
            hint = "run: mount -t proc proc /proc"
            raise PantavisorError("/proc is not mounted; it holds directories", hint=hint) from error
        for member in ("filename", "filename2"):
            name = getattr(error, member)
            if isinstance(name, str):
                setattr(error, member, renamed(name))
        raise
    except PantavisorError as error:
        error.message = renamed(error.message)
        raise


def _refused(path: Path, what: str) -> FormatError:
    kind = "a symbolic link" if path.is_symlink() else f"not a plain {what}"
    return FormatError(f"{path} is {kind}, where a {what} is needed", hint="remove it, or move it away")
