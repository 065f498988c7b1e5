# SPDX-License-Identifier: MIT
"""Where the content of an ext4 inode lies: extent trees, and the indirect blocks of older file systems.

Source: Linux, Documentation/filesystems/ext4, "The Contents of inode.i_block".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .findings import Damaged

EXTENT_MAGIC = 0xF30A
MAX_TREE_DEPTH = 5
MAX_EXTENTS = 1_000_000
# A node may be named by many others: five levels that hold nothing would be walked for ever.
MAX_NODES = 20_000

ReadBlock = Callable[[int], bytes]


@dataclass(frozen=True)
class Run:
    """``count`` blocks of a file from ``logical``;
    they lie from ``physical``, or are zeros if that is 0.
    """

    logical: int
    physical: int
    count: int


def extent_runs(root: bytes, read_block: ReadBlock) -> Iterator[Run]:
    """The runs of an extent tree whose root is the 60 bytes of the inode, in order. Raises Damaged."""
    seen = 0
    next_block = 0
    left = iter(range(MAX_NODES))

    def read_node(number: int) -> bytes:
        if next(left, None) is None:
            raise Damaged("the file has too many nodes in its extent tree")
        return read_block(number)

    for run in _node(root, read_node, None):
        seen += 1
        if seen > MAX_EXTENTS:
            raise Damaged("the file has too many extents")
        if run.logical < next_block:
            raise Damaged("the file's extents overlap or are out of order")
        next_block = run.logical + run.count
        yield run


def _node(node: bytes, read_block: ReadBlock, expected: int | None) -> Iterator[Run]:
    magic, count, most, depth = struct.unpack_from("<HHHH", node)
    if magic != EXTENT_MAGIC or count > most or 12 + 12 * count > len(node):
        raise Damaged("the file has a broken extent tree")
    if depth > MAX_TREE_DEPTH or (expected is not None and depth != expected):
        raise Damaged("the file has an extent tree of the wrong depth")
    for index in range(count):
        at = 12 + 12 * index
        if depth:
            _, low, high = struct.unpack_from("<IIH", node, at)
            yield from _node(read_block(high << 32 | low), read_block, depth - 1)
            continue
        logical, length, high, low = struct.unpack_from("<IHHI", node, at)
        # More than 32768 blocks means: reserved, but never written, so zeros.
        written = length <= 32768
        yield Run(logical, (high << 32 | low) if written else 0, length if written else length - 32768)


def indirect_runs(pointers: bytes, blocks: int, block_size: int, read_block: ReadBlock) -> Iterator[Run]:
    """The runs of the 12 direct pointers and the three levels
    of indirect ones, for a file of ``blocks`` blocks.
    """
    logical = 0
    for index, level in enumerate([0] * 12 + [1, 2, 3]):
        if logical >= blocks:
            return
        (pointer,) = struct.unpack_from("<I", pointers, 4 * index)
        yield from _pointer(pointer, level, logical, blocks, block_size, read_block)
        logical += (block_size // 4) ** level


def _pointer(
    pointer: int, level: int, logical: int, blocks: int, block_size: int, read_block: ReadBlock
) -> Iterator[Run]:
    if pointer == 0 or logical >= blocks:
        return
    if level == 0:
        yield Run(logical, pointer, 1)
        return
    step = (block_size // 4) ** (level - 1)
    for index, (below,) in enumerate(struct.iter_unpack("<I", read_block(pointer))):
        yield from _pointer(below, level - 1, logical + index * step, blocks, block_size, read_block)
