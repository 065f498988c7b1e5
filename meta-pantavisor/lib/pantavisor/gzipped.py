# SPDX-License-Identifier: MIT
"""One gzip member (RFC 1952) in which bytes that are packed already are stored as they are.

Deflate spends a second on every 50 MB of a squashfs to find that there is nothing to gain. Its stored
blocks (RFC 1951, 3.2.4) cost a checksum, and are the same whichever zlib writes the rest.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO, Union

from . import codecs

LEVEL = 1
SAMPLE_BYTES = 64 * 1024
WORTH = 0.75  # deflate must get a sample below that part of its size; what lz4 packed ends at 0.8
_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # no name, no time, no system
_STORED_BYTES = 0xFFFF  # a stored block's most
_STORED_HEAD = struct.Struct("<BHH")  # not the last block and stored, its size, and that inverted
_STEP_BYTES = 1024 * 1024


class GzipWriter:
    """Writes to ``raw``, which stays open; ``close`` ends the member."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._crc = 0
        self._size = 0
        raw.write(_HEADER)

    def write(self, data: bytes) -> None:
        """Add ``data``, deflated."""
        self._count(data)
        self._raw.write(self._deflater.compress(data))

    def store(self, source: BinaryIO, size: int) -> None:
        """Add ``size`` bytes of ``source`` as they are. Raises EOFError where it has fewer."""
        # To the next whole byte, and with nothing before it that later blocks could refer to.
        self._raw.write(self._deflater.flush(zlib.Z_FULL_FLUSH) if size else b"")
        # Read between the heads of blocks, and written with them: nothing is copied in between.
        framed = memoryview(bytearray(_framed_bytes(min(size, _STEP_BYTES))))
        for at in range(0, size, _STEP_BYTES):
            end = self._frame(framed, source, min(_STEP_BYTES, size - at))
            self._raw.write(framed[:end])

    def close(self) -> None:
        self._raw.write(self._deflater.flush())
        self._raw.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def _frame(self, framed: memoryview, source: BinaryIO, size: int) -> int:
        """Read ``size`` bytes into stored blocks; returns where these end."""
        end = 0
        for at in range(0, size, _STORED_BYTES):
            block_size = min(_STORED_BYTES, size - at)
            _STORED_HEAD.pack_into(framed, end, 0, block_size, block_size ^ 0xFFFF)
            block = framed[end + _STORED_HEAD.size : end + _STORED_HEAD.size + block_size]
            _fill(block, source)
            self._count(block)
            end += _STORED_HEAD.size + block_size
        return end

    def _count(self, data: Union[bytes, memoryview]) -> None:
        self._crc = codecs.crc32(data, self._crc)
        self._size += len(data)


def _framed_bytes(size: int) -> int:
    return size + -(-size // _STORED_BYTES) * _STORED_HEAD.size


def _fill(block: memoryview, source: BinaryIO) -> None:
    while block:
        count = source.readinto(block)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        block = block[count:]


def is_worth_deflating(path: Path) -> bool:
    """Whether deflate gets anything out of the middle of a file."""
    with open(path, "rb") as content:
        content.seek(max(0, (path.stat().st_size - SAMPLE_BYTES) // 2))
        sample = content.read(SAMPLE_BYTES)
    return len(zlib.compress(sample, LEVEL)) < WORTH * len(sample)
