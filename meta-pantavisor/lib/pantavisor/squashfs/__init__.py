# SPDX-License-Identifier: MIT
"""Squashfs images, written by libsquashfs from a Tree.

writer          tree -> image
reader blocks   image -> tree, without the library
profile bcj     codec, level, filters for machine code
pack_record     what is recorded of them
open_image      the library's objects that make one image
library structures  the C interface
inodes inode_table inode_order  nodes as inodes, their numbers and order
xattrs          attributes that have a place
data_area ends  contents of files in blocks, their ends put together
stored_blocks   equal blocks once
gathered        blocks written many at a time
packing_threads  blocks packed while others are read
cached_blocks   packed blocks kept for the next image
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
