# SPDX-License-Identifier: MIT
"""Files that the user names, or that lie in a directory of theirs, opened to be read: what is not a regular
file is refused at once, and neither a FIFO nor a terminal in its place holds us up.
"""

from __future__ import annotations

import os
import stat
from os import PathLike
from typing import BinaryIO, Union

from .errors import FormatError, LimitError

PathIn = Union[str, "PathLike[str]"]
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


def opened(path: PathIn, *, pipe: bool = False) -> BinaryIO:
    """The file, to be closed by the caller; with ``pipe`` also one as a shell's ``<(...)``, of which a FIFO
    that no program writes to is empty. Raises FormatError for what is neither, OSError.
    """
    descriptor = os.open(path, _FLAGS)
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or pipe and stat.S_ISFIFO(mode)):
        os.close(descriptor)
        raise FormatError(f"{os.fspath(path)} is not a regular file", hint="name a file")
    os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "rb")


def given(path: PathIn) -> BinaryIO:
    """As opened, but a pipe as a shell's ``<(...)`` and a device are taken as well; a FIFO that no program
    writes to is empty.
    """
    descriptor = os.open(path, _FLAGS)
    os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "rb")


def read(path: PathIn, *, limit: int, pipe: bool = False) -> bytes:
    """All of a file of at most ``limit`` bytes. Raises as opened, and LimitError."""
    with opened(path, pipe=pipe) as stream:
        found = stream.read(limit + 1)
    if len(found) > limit:
        raise LimitError(f"{os.fspath(path)} is longer than {limit} bytes", hint="name another file")
    return found
