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
    bmap       which blocks must reach the flash     read_map(), check_map()
    usage      which blocks of a fresh ext4 are in use
    rewrite    changes to the storage of a finished image

Needs no root, mounts nothing. The same tree, files, size, epoch and seed make the same bytes, on any
machine and for any user.
"""

from .assembly import DiskImage, build, build_storage
from .bmap import ReadMap
from .bmap import check as check_map
from .bmap import read as read_map
from .placement import DiskSpan
from .rewrite import copy_image, name_storage, remap, replace_storage, storage_identity, write_file

__all__ = [
    "DiskImage",
    "DiskSpan",
    "ReadMap",
    "build",
    "build_storage",
    "check_map",
    "copy_image",
    "name_storage",
    "read_map",
    "remap",
    "replace_storage",
    "storage_identity",
    "write_file",
]
