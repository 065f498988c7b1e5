# SPDX-License-Identifier: MIT
"""Changes to the storage partition of a finished disk image, or of a disk that holds one; all around it
stays as it is.

The block map of an image that was changed is made again: of what lies around the storage from the old one.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from .. import proc
from ..errors import FormatError
from . import bmap, ext4, files, usage
from .placement import DiskSpan
from .tools import tool_environment

CHUNK = 1024 * 1024


@dataclass(frozen=True)
class _SuperBlock:
    """What a file system is called, and when it was made."""

    label: str
    identity: UUID
    hash_seed: UUID
    made: int


def copy_image(source: Path, target: Path) -> None:
    """Copy an image, its holes as holes."""
    names = (str(path.absolute()) for path in (source, target))
    proc.run(["cp", "--reflink=auto", "--sparse=always", "--", *names], environment={"LC_ALL": "C"})


def replace_storage(source: Path, target: Path, span: DiskSpan, storage_tree: Path) -> None:
    """Copy an image to the new file ``target``, but with ``storage_tree`` in its storage at ``span``.

    Label, identifiers and times of the file system stay. Raises FormatError where the tree does not fit.
    """
    tree = files.scan(storage_tree)
    found = _super_block(source, span.start)
    with open(source, "rb") as old, open(target, "xb") as new:
        size = os.fstat(old.fileno()).st_size
        new.truncate(size)
        for start, end in ((0, span.start), (span.end, size)):
            _copy(old.fileno(), new.fileno(), start, end)
    ext4.write(
        target,
        tree,
        start=span.start,
        size=span.size,
        label=found.label,
        identity=found.identity,
        hash_seed=found.hash_seed,
        epoch=found.made,
    )


def write_file(image: Path, start: int, path: str, data: bytes, *, epoch: int) -> None:
    """Write a file of root's, mode 0644, in a directory of the root directory of the storage at byte
    ``start``; both replace what has their names. Raises ToolError.
    """
    folder, _, name = path.partition("/")
    commands = [
        f"mkdir {folder}", f"set_inode_field {folder} mode 040755", f"cd /{folder}", f"rm {name}",
        f"write data {name}", f"set_inode_field {name} mode 0100644",
    ]  # fmt: skip
    with _beside(image) as work:
        (work / "data").write_bytes(data)
        (work / "script").write_text("".join(f"{line}\n" for line in commands), encoding="ascii")
        tools, where = tool_environment(epoch), f"image?offset={start}"
        proc.run(["debugfs", "-w", "-f", "script", where], cwd=work, environment=tools)
        proc.run(["e2fsck", "-f", "-n", where], cwd=work, environment=tools)
        # debugfs ends with status 0 whatever happened.
        done = proc.run(["debugfs", "-R", f"dump /{path} read", where], cwd=work, environment=tools)
        if not (work / "read").exists() or (work / "read").read_bytes() != data:
            raise proc.ToolError(f"debugfs could not write {path}: {proc.last_lines(done)}")


def name_storage(image: Path, start: int, identity: UUID, *, epoch: int) -> None:
    """Give the file system of the storage, ``start`` bytes into ``image``, another UUID. Raises ToolError.

    ``epoch``, in seconds since 1970, is the time of the change.
    """
    with _beside(image) as work:
        words = ["tune2fs", "-U", str(identity), f"image?offset={start}"]
        proc.run(words, cwd=work, environment=tool_environment(epoch))


def storage_identity(image: Path, start: int) -> UUID:
    """The UUID of the file system of the storage, ``start`` bytes into ``image``. Raises FormatError."""
    return _super_block(image, start).identity


def remap(image: Path, before: bmap.ReadMap, span: DiskSpan) -> bytes:
    """The text of the block map of an image whose storage at ``span`` was changed."""
    around = [
        (start, end)
        for found in before.ranges
        for start, end in (
            (found.start, min(found.end, span.start)),
            (max(found.start, span.end), found.end),
        )
        if start < end
    ]
    return bmap.make(image, [*around, *usage.mapped(image, start=span.start)]).text


def _super_block(image: Path, start: int) -> _SuperBlock:
    with open(image, "rb") as stream:
        stream.seek(start + 1024)
        raw = stream.read(1024)
    (block,) = struct.unpack_from("<I", raw, 24)
    if raw[56:58] != b"\x53\xef" or 1024 << block != ext4.BLOCK:
        raise FormatError(f"{image} has no ext4 of {ext4.BLOCK}-byte blocks at byte {start}")
    label = raw[120:136].rstrip(b"\0").decode("utf-8", "replace")
    (made,) = struct.unpack_from("<I", raw, 0x108)
    return _SuperBlock(label, UUID(bytes=raw[104:120]), UUID(bytes=raw[0xEC:0xFC]), made)


def _copy(source: int, target: int, start: int, end: int) -> None:
    """Copy bytes and leave holes for zeros."""
    for at in range(start, end, CHUNK):
        data = os.pread(source, min(CHUNK, end - at), at)
        if data.strip(b"\0"):
            os.pwrite(target, data, at)


@contextmanager
def _beside(image: Path) -> Iterator[Path]:
    """A directory with a link ``image``: a question mark in its name would begin options."""
    work = Path(tempfile.mkdtemp(prefix="pantavisor."))
    try:
        (work / "image").symlink_to(image.absolute())
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
