# SPDX-License-Identifier: MIT
"""What a guest wrote to its disk, in order, by QEMU's blklogwrites: the format of dm-log-writes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8

Write = tuple[int, bytes]
Writes = tuple[Write, ...]


@dataclass(frozen=True)
class Epoch:
    """What was written between two flushes: a disk may have any of it when the power goes.

    ``begin`` and ``end`` are where it is in the log, in bytes.
    """

    begin: int
    end: int
    writes: Writes


def entries(log: Path) -> Iterator[tuple[int, int, bytes, int]]:
    """Flags, offset and bytes of each, and where it ends; the last one may be cut off."""
    with log.open("rb") as stream:
        magic, version, _, size = struct.unpack_from("<QQQI", stream.read(SECTOR))
        assert (magic, version, size) == (MAGIC, 1, SECTOR), f"{log.name} is not a log of writes"
        while len(head := stream.read(SECTOR)) == SECTOR:
            sector, count, flags, _ = struct.unpack_from("<QQQQ", head)
            assert not flags & ~(FLUSH | FUA | DISCARD | MARK), "it has flags of no version"
            content = b"" if flags & DISCARD else stream.read(count * SECTOR)
            if len(content) in (0, count * SECTOR):
                yield flags, sector * SECTOR, content, stream.tell()


def epochs(log: Path) -> Iterator[Epoch]:
    """From each flush to the next."""
    begin, end, writes = SECTOR, SECTOR, list[Write]()
    for flags, offset, content, after in entries(log):
        if flags & FLUSH and writes:
            yield Epoch(begin, after, tuple(writes))
            begin, writes = after, []
        # The machine's disk has no such writes: it is flushed.
        assert not flags & FUA
        if content:
            writes.append((offset, content))
        end = after
    if writes:
        yield Epoch(begin, end, tuple(writes))
