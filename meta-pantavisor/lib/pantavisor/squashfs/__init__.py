# SPDX-License-Identifier: MIT
"""Squashfs images, written by libsquashfs from a Tree.

profile.py    codec, level            pack_record.py  what is recorded of them
bcj.py        filters for machine code
inode_order.py inode numbers and their order
xattrs.py     attributes that have a place
library.py structures.py  the C interface; inodes.py  nodes as inodes
open_image.py the library's objects   writer.py     tree -> image
cached_blocks.py packed blocks kept for the next image
blocks.py     packed blocks, read     reader.py     image -> tree, without the library
"""

from __future__ import annotations

from .pack_record import PackRecord
from .profile import BLOCK_BYTES, PROFILES, Profile, profile
from .reader import Contents, read
from .writer import Written, write

__all__ = [
    "BLOCK_BYTES",
    "PROFILES",
    "Contents",
    "PackRecord",
    "Profile",
    "Written",
    "profile",
    "read",
    "write",
]
