# SPDX-License-Identifier: MIT
"""Disks for tests: loop devices over files."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import tools


@contextmanager
def disk(backing: Path, *, size: int, offset: int = 0, read_only: bool = False) -> Iterator[Path]:
    """A disk of ``size`` bytes, which lie in the file ``backing`` from ``offset`` on."""
    tools.need_root()
    program = tools.need("losetup", package="mount")
    if not backing.exists():
        backing.touch()
    if backing.stat().st_size < offset + size:
        with open(backing, "r+b") as stream:
            stream.truncate(offset + size)
    words = [program, "--find", "--show", f"--offset={offset}", f"--sizelimit={size}"]
    path = Path(tools.run(*words, *(["--read-only"] if read_only else []), backing).strip())
    try:
        yield path
    finally:
        subprocess.run([program, "-d", str(path)], check=False)


@contextmanager
def mounted(place: Path, *words: str) -> Iterator[Path]:
    """What ``mount`` makes of the words, at a new directory."""
    place.mkdir()
    tools.run("mount", *words, place)
    try:
        yield place
    finally:
        tools.run("umount", place)
