# SPDX-License-Identifier: MIT
"""What the disk of a board holds, as a value: partitions in their order, and blobs that its firmware looks
for.

The storage partition is the last, so that it can grow. Blobs, such as the first stage of a boot loader, lie
between the partition table and the first partition, at places that the board's firmware knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..errors import FormatError
from . import ext4, gpt

MAX_BYTES = 16 * 1024**4 - gpt.ALIGNMENT


@dataclass(frozen=True)
class BootPartition:
    """A FAT file system of ``files``, which are named by their paths in it; made as large as they need."""

    files: Mapping[str, Path]
    name: str = "boot"


@dataclass(frozen=True)
class StoragePartition:
    """The ext4 file system of a storage tree, which a device finds by its label."""

    tree: Path
    name: str = "storage"
    label: str = "root"


@dataclass(frozen=True)
class Blob:
    """The content of ``path`` at byte ``offset`` of the disk."""

    path: Path
    offset: int


@dataclass(frozen=True)
class Layout:
    """``first`` is where the partitions begin, in bytes: later than usual where blobs need more room."""

    storage: StoragePartition
    boot: tuple[BootPartition, ...] = ()
    blobs: tuple[Blob, ...] = ()
    first: int = gpt.ALIGNMENT

    @classmethod
    def efi(cls, storage_tree: Path, boot_files: Mapping[str, Path]) -> Layout:
        """The disk of a machine with UEFI firmware, which starts what is in its one boot partition."""
        return cls(StoragePartition(storage_tree), (BootPartition(boot_files),))

    @property
    def names(self) -> tuple[str, ...]:
        return (*(part.name for part in self.boot), self.storage.name)


@dataclass(frozen=True)
class DiskSpan:
    """Where something lies on the disk, in bytes."""

    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size


def place(layout: Layout, sizes: Sequence[int], size: Optional[int]) -> tuple[DiskSpan, ...]:
    """A span for each partition, the storage last. ``sizes`` are what each needs at least, in bytes, in
    that order.

    ``size`` of the disk is rounded down to a MiB; None: as large as is needed. Raises FormatError where
    that is too small or too large, and for a layout that cannot be.
    """
    if len(set(layout.names)) != len(layout.names) or layout.first % gpt.ALIGNMENT or layout.first <= 0:
        raise FormatError("partitions need names of their own, and begin at a whole MiB")
    found, start = [], layout.first
    for needed in sizes[:-1]:
        found.append(DiskSpan(start, needed))
        start += needed
    if size is None:
        storage = -(-sizes[-1] // gpt.ALIGNMENT) * gpt.ALIGNMENT
    else:
        storage = size // gpt.ALIGNMENT * gpt.ALIGNMENT - gpt.ALIGNMENT - start
    if storage < ext4.MIN_BYTES:
        least = start + ext4.MIN_BYTES + gpt.ALIGNMENT
        raise FormatError(f"a disk image of {size} bytes is too small", hint=f"at least {least} bytes")
    if storage > MAX_BYTES:
        raise FormatError(f"a disk image of {size} bytes is too large", hint=f"at most {MAX_BYTES} bytes")
    return (*found, DiskSpan(start, storage))


def place_blobs(layout: Layout, sizes: Sequence[int]) -> tuple[DiskSpan, ...]:
    """A span for each blob, whose ``sizes`` in bytes are given in order. Raises FormatError where one has
    no room.
    """
    spans = tuple(DiskSpan(blob.offset, size) for blob, size in zip(layout.blobs, sizes))
    before = gpt.HEAD_BYTES
    for blob, span in sorted(zip(layout.blobs, spans), key=lambda pair: pair[1].start):
        if span.start < before or span.end > layout.first:
            raise FormatError(
                f"{blob.path} ({span.size} bytes) has no room at byte {span.start} of the disk",
                hint=(
                    f"bytes {before} to {layout.first} are free there: "
                    "tables and other blobs end before, partitions follow"
                ),
            )
        before = span.end
    return spans
