# SPDX-License-Identifier: MIT
"""A tarball of a folder that is the same wherever and whenever it is made: sorted, owned by root, one given
time.
"""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path


def write(path: Path, tree: Path, *, epoch: int) -> None:
    """Everything below ``tree`` as ``path``, a gzip of ustar, with paths relative to ``tree``."""
    with (
        open(path, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as packed,
    ):
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name in _walk(tree):
                _add(archive, tree, name, epoch)


def _walk(tree: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted([*names, *folders]):
            yield os.path.relpath(os.path.join(parent, name), tree)


def _add(archive: tarfile.TarFile, tree: Path, name: str, epoch: int) -> None:
    member = archive.gettarinfo(str(tree / name), arcname=name)
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = epoch
    # The unpacking user's umask must not show.
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    if member.islnk():
        # Two names of one file are two files: whether they were linked depends on how they were copied.
        member.type, member.linkname = tarfile.REGTYPE, ""
        member.size = (tree / name).stat().st_size
    if member.isreg():
        with open(tree / name, "rb") as stream:
            archive.addfile(member, stream)
    else:
        archive.addfile(member)
