# SPDX-License-Identifier: MIT
"""Which blocks of a fresh ext4 file system are in use, by its block bitmaps.

The holes of the image file will not do for a block map: a block of zeros that matters, of the journal or of
such as a reserved descriptor table, is a hole too, and flash that was used before holds something else in
it. Inode tables count only up to the last inode that their group ever used, because the rest is flagged as
never written.

Source: Linux, Documentation/filesystems/ext4, "Block and inode Bitmaps".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .ext4 import BLOCK, INODE

_BLOCK_UNINIT = 2  # the bitmap was never written: nothing is used but a copy of the superblock


def mapped(image: Path, *, start: int) -> Iterator[tuple[int, int]]:
    """Byte ranges (start, end) of ``image`` that the file system at byte ``start`` uses, sorted."""
    with open(image, "rb") as stream:
        stream.seek(start + 1024)
        head = stream.read(1024)
        blocks, per_group, inodes = (struct.unpack_from("<I", head, at)[0] for at in (4, 32, 40))
        reserved, step = (struct.unpack_from("<H", head, at)[0] for at in (206, 254))
        groups = -(-blocks // per_group)
        stream.seek(start + BLOCK)
        table = stream.read(groups * step)
        super_copy = 1 + -(-groups * step // BLOCK) + reserved
        never_used = _unused_inode_blocks(table, step, inodes)
        for group in range(groups):
            first = group * per_group
            count = min(per_group, blocks - first)
            bits = _bitmap(
                stream, start, table[group * step :][:step], count, super_copy if _has_super(group) else 0
            )
            used = (first + bit for bit in range(count) if bits[bit // 8] >> bit % 8 & 1)
            for low, high in _runs(block for block in used if block not in never_used):
                yield start + low * BLOCK, start + high * BLOCK


def _bitmap(stream: BinaryIO, start: int, descriptor: bytes, count: int, super_copy: int) -> bytes:
    (flags,) = struct.unpack_from("<H", descriptor, 18)
    if flags & _BLOCK_UNINIT:
        return ((1 << super_copy) - 1).to_bytes(-(-count // 8), "little")
    stream.seek(start + _wide(descriptor, 0) * BLOCK)
    return stream.read(-(-count // 8))


def _has_super(group: int) -> bool:
    return group in (0, 1) or any(group == base**power for base in (3, 5, 7) for power in range(1, 24))


def _unused_inode_blocks(table: bytes, step: int, inodes: int) -> set[int]:
    unused: set[int] = set()
    for at in range(0, len(table), step):
        descriptor = table[at : at + step]
        first = _wide(descriptor, 8)
        low, high = struct.unpack_from("<H", descriptor, 28)[0], struct.unpack_from("<H", descriptor, 50)[0]
        used = inodes - (high << 16 | low)
        unused.update(range(first + -(-used * INODE // BLOCK), first + -(-inodes * INODE // BLOCK)))
    return unused


def _wide(descriptor: bytes, at: int) -> int:
    low, high = (
        struct.unpack_from("<I", descriptor, at)[0],
        struct.unpack_from("<I", descriptor, at + 32)[0],
    )
    return int(high << 32 | low)


def _runs(blocks: Iterator[int]) -> Iterator[tuple[int, int]]:
    first = end = -1
    for block in blocks:
        if block != end:
            if end >= 0:
                yield first, end
            first = block
        end = block + 1
    if end >= 0:
        yield first, end
