# SPDX-License-Identifier: MIT
"""What the disk of a board holds, as a value: partitions in their order, and blobs that its firmware looks
for. The job of a build gives it, with the members of ``Board`` as JSON:

    {"boot": [{"files": {"EFI/BOOT/BOOTX64.EFI": "/path/of/loader"}, "name": "boot"}],
     "blobs": [{"path": "/path/of/spl.bin", "offset": 33792}],
     "first": 4194304,
     "storage": {"name": "storage", "label": "root"}}

Each member may be left out; ``{}`` is a disk of nothing but the storage partition. That one comes last, so
that it can grow. Blobs, such as the first stage of a boot loader, lie between the partition table and the
first partition, at places that the board's firmware knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ALIGNMENT = 1024 * 1024  # bytes; partitions begin at a multiple of it


@dataclass(frozen=True)
class BootPartition:
    """A FAT file system of ``files``, which are named by their paths in it; made as large as they need."""

    files: Mapping[str, Path]
    name: str = "boot"


@dataclass(frozen=True)
class StoragePartition:
    """The ext4 file system of the storage tree, which a device finds by its label."""

    name: str = "storage"
    label: str = "root"


@dataclass(frozen=True)
class Blob:
    """The content of ``path`` at byte ``offset`` of the disk."""

    path: Path
    offset: int


@dataclass(frozen=True)
class Board:
    """``first`` is where the partitions begin, in bytes: later than usual where blobs need more room."""

    boot: tuple[BootPartition, ...] = ()
    blobs: tuple[Blob, ...] = ()
    first: int = ALIGNMENT
    storage: StoragePartition = StoragePartition()

    @classmethod
    def efi(cls, files: Mapping[str, Path]) -> Board:
        """A machine with UEFI firmware, which starts what is in its one boot partition."""
        return cls((BootPartition(files),))

    @property
    def names(self) -> tuple[str, ...]:
        """Those of all partitions, in their order."""
        return (*(part.name for part in self.boot), self.storage.name)
