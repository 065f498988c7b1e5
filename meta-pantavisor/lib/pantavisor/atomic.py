# SPDX-License-Identifier: MIT
"""Write under another name and rename: after an error or a power cut there is the old file or the new one,
never half of one.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Optional, Union

from .errors import FormatError

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux
_TEMPORARY = re.compile(r"\.(.+)\.[a-z0-9_]{8}(\.part)?")  # what tempfile makes of _prefix()
PathIn = Union[str, "PathLike[str]"]


def write(path: PathIn, data: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
    """Replace ``path`` by ``data`` in one step."""
    with replacing(path, mode=mode, durable=durable) as stream:
        stream.write(data)


@contextmanager
def replacing(path: PathIn, *, mode: int = 0o644, durable: bool = True) -> Iterator[BinaryIO]:
    """A stream whose content takes the place of ``path`` when the block ends well, and vanishes when it
    does not.

    Without ``durable`` that holds until the next power cut: nothing waits for the disk.
    """
    target = Path(path)
    check_target(target)
    descriptor, name = tempfile.mkstemp(prefix=_prefix(target), suffix=".part", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            if durable:
                os.fsync(stream.fileno())
        os.replace(name, target)
        if durable:
            sync_directory(target.parent)
    except BaseException:
        _remove(name)
        raise


@contextmanager
def replacing_path(path: PathIn) -> Iterator[Path]:
    """As replacing, for writers that want a file name: yields a name next to ``path`` that does not exist
    yet.

    A caller whose file must survive a power cut calls sync_file.
    """
    target = Path(path)
    check_target(target)
    with scratch_for(target) as folder:
        beside = folder / target.name
        yield beside
        os.replace(beside, target)


def exchange(path: PathIn, other: PathIn) -> None:
    """Let two existing names change places in one step, or in three where the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(path), os.fsencode(other)
    if renameat2 and renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return
    with scratch(Path(path).parent) as folder:
        os.rename(other, folder / "other")
        try:
            os.rename(path, other)
        except OSError:
            os.rename(folder / "other", other)
            raise
        os.rename(folder / "other", path)


@contextmanager
def new_directory(path: PathIn) -> Iterator[Path]:
    """A folder that appears at ``path``, which must not exist, only when the block ends well."""
    target = Path(path)
    with scratch_for(target) as folder:
        beside = folder / target.name
        beside.mkdir()
        yield beside
        os.rename(beside, target)
        sync_directory(target.parent)


@contextmanager
def scratch(parent: PathIn, *, prefix: str = ".scratch.") -> Iterator[Path]:
    """A folder of our own below ``parent`` that is gone at the end, whatever happened."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def exclusive(target: Union[PathIn, BinaryIO], *, wait: bool = True) -> Iterator[None]:
    """One process at a time: a lock on an open file, or on a folder by its name. The kernel drops it with
    the process.

    Without ``wait`` it raises BlockingIOError where another process holds it.
    """
    if isinstance(target, (str, PathLike)):
        held = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        release: Callable[[int], None] = os.close
    else:
        held = target.fileno()
        release = _unlock
    try:
        fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        release(held)


def _unlock(held: int) -> None:
    fcntl.flock(held, fcntl.LOCK_UN)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C is heard when the block ends: for a few quick steps that belong together."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def check_target(path: PathIn) -> None:
    """Raise FormatError for what a file must not take the place of: a device, a pipe, the way to one's own
    output.
    """
    try:
        mode = os.stat(path).st_mode
        # /dev/stdout is a link to there, and may lead to a file for once.
        is_own = os.path.islink(path) and os.readlink(path).startswith("/proc/")
    except OSError:
        return
    if is_own or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise FormatError(f"{os.fspath(path)} is not a regular file, and would be lost", hint="name a file")


def scratch_for(target: Path) -> AbstractContextManager[Path]:
    """As scratch, next to ``target`` and with its name, for what becomes it."""
    return scratch(target.parent, prefix=_prefix(target))


def _prefix(target: Path) -> str:
    return f".{target.name[:100]}."


def target_name(name: str) -> Optional[str]:
    """The name that a temporary one was made from; None where it is not temporary."""
    found = _TEMPORARY.fullmatch(name)
    return found[1] if found else None


def is_partial(name: str) -> bool:
    """Whether ``replacing`` may have left a file of that name when it was killed."""
    return name.endswith(".part") and target_name(name) is not None


def sync_file(path: PathIn) -> None:
    with open(path, "rb") as stream:
        os.fsync(stream.fileno())


def sync_directory(path: PathIn) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: PathIn) -> None:
    """Remove a file, a link, or a folder with all below it, if there is such a thing."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        pass


def _remove(name: str) -> None:
    try:
        os.unlink(name)
    except FileNotFoundError:
        pass
