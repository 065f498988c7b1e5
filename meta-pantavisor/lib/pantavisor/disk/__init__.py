# SPDX-License-Identifier: MIT
"""The flashable disk image: GPT, a boot partition (FAT), the storage partition (ext4, label ``root``), and
its bmap.

    assembly   puts the pieces of a board together    build() -> DiskImage, build_storage()
    placement  where they lie
    gpt        protective MBR, both partition tables
    fat        the boot partitions                   by mkfs.vfat, mmd, mcopy
    tools      what these programs see of the world
    files      what goes into the storage partition
    ext4       the storage partition                 by mke2fs, debugfs, e2fsck
    bmap       which blocks must reach the flash

Needs no root, mounts nothing. The same tree, files, size, epoch and seed make the same bytes, on any
machine and for any user.
"""

from .assembly import DiskImage, build, build_storage

__all__ = ["DiskImage", "build", "build_storage"]
