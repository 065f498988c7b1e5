# SPDX-License-Identifier: MIT
"""Trees of files that share their bytes: hard links where the file system has them, copies elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator


def files(root: str) -> list[str]:
    """Every file and symbolic link below ``root``, relative to it, sorted."""
    return sorted(_walk(root, ""))


def _walk(root: str, below: str) -> Iterator[str]:
    with os.scandir(os.path.join(root, below)) as entries:
        for entry in entries:
            name = os.path.join(below, entry.name)
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(root, name)
            else:
                yield name


def put(source: str, target: str) -> None:
    """``target`` becomes ``source`` in one step: no reader sees a file that is not whole."""
    beside = f"{target}.{os.getpid()}.new"
    try:
        os.link(source, beside, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, beside, follow_symlinks=False)
    os.replace(beside, target)
    # Renaming a link onto another link to the same file does nothing.
    if os.path.lexists(beside):
        os.unlink(beside)


def share(source: str, target: str) -> None:
    """Put everything below ``source`` into ``target``, over what exists. Directories, empty ones too,
    keep their mode.
    """
    os.makedirs(target, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            there = os.path.join(target, entry.name)
            if not entry.is_dir(follow_symlinks=False):
                if os.path.isdir(there) and not os.path.islink(there):
                    raise FileExistsError(f"{there} is a directory, {entry.path} is not")
                put(entry.path, there)
                continue
            share(entry.path, there)
            if not os.path.islink(there):
                shutil.copymode(entry.path, there)


def remove(path: str) -> None:
    """``path`` and all below it are gone, whatever modes directories have."""
    if os.path.islink(path) or not os.path.isdir(path):
        if os.path.lexists(path):
            os.unlink(path)
        return
    for parent, _, _ in os.walk(path):
        os.chmod(parent, 0o700)
    shutil.rmtree(path)
