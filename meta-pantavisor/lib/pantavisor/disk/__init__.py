# SPDX-License-Identifier: MIT
"""The flashable disk image: GPT, a boot partition (FAT), the storage partition (ext4, label ``root``), and
its bmap.

    layout    what the disk of a board holds, as a value    Layout
    image     puts the pieces together              build() -> DiskImage
    gpt       protective MBR, both partition tables
    fat       the EFI system partition              by mkfs.vfat, mmd, mcopy
    tools     what these programs see of the world
    tree      what goes into the storage partition
    ext4      the storage partition                 by mke2fs, debugfs, e2fsck
    bmap      which blocks must reach the flash

Needs no root, mounts nothing. The same tree, files, size, epoch and seed make the same bytes, on any
machine and for any user.
"""

from .image import DiskImage, build
from .layout import Blob, BootPartition, Layout, StoragePartition

__all__ = ["Blob", "BootPartition", "DiskImage", "Layout", "StoragePartition", "build"]
