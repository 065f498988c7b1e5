# SPDX-License-Identifier: MIT
"""The superblock of a squashfs 4.0 image: is it one, is all of it there, can a kernel mount it.

Source: Linux, Documentation/filesystems/squashfs.rst.
"""

from __future__ import annotations

import struct

_SUPER = struct.Struct("<IIIIIHHHHHHQQQQQQQQ")
MAGIC = 0x73717368
COMPRESSIONS = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}
MAX_PADDING = 1024 * 1024
_NONE = 0xFFFFFFFFFFFFFFFF


def check(head: bytes, size: int) -> str:
    """Why the ``size`` bytes that begin with ``head`` are not a squashfs image, or an empty text."""
    if len(head) < _SUPER.size:
        return "it is too short for a squashfs image"
    (
        magic, _, _, block, _, compression, log, _, _, major, minor, _, used,
        ids, xattrs, inodes, folders, fragments, _,
    ) = _SUPER.unpack_from(head)  # fmt: skip
    if magic != MAGIC or (major, minor) != (4, 0):
        return "it is not a squashfs 4.0 image"
    if not 12 <= log <= 20 or block != 1 << log:
        return f"its block size of {block} bytes is impossible"
    if compression not in COMPRESSIONS or compression == 2:
        return f"its compression {COMPRESSIONS.get(compression, compression)} cannot be mounted"
    if used > size:
        return f"it is cut off: {size} of {used} bytes"
    if size - used > MAX_PADDING:
        return f"{size - used} bytes follow its end"
    if not _SUPER.size <= inodes < folders <= ids < used:
        return "its tables lie outside of it"
    if any(table != _NONE and table >= used for table in (xattrs, fragments)):
        return "its tables lie outside of it"
    return ""


def compression(head: bytes) -> str:
    """The name of the compression of an image that passed the check."""
    return COMPRESSIONS[int(_SUPER.unpack_from(head)[5])]
