# SPDX-License-Identifier: MIT
"""One gzip member (RFC 1952) in which bytes that are packed already are stored as they are.

Deflate spends a second on every 50 MB of a squashfs to find that there is nothing to gain. Its stored
blocks (RFC 1951, 3.2.4) cost a checksum, and are the same whichever zlib writes the rest.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Union

from . import codecs

LEVEL = 1
SAMPLE_BYTES = 64 * 1024
WORTH = 0.75  # deflate must get a sample below that part of its size; what lz4 packed ends at 0.8
_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # no name, no time, no system
_STORED_BYTES = 0xFFFF  # a stored block's most


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

    def store(self, data: bytes) -> None:
        """Add ``data`` as it is."""
        self._count(data)
        # To the next whole byte, and with nothing before it that later blocks could refer to.
        self._raw.write(self._deflater.flush(zlib.Z_FULL_FLUSH))
        self._raw.writelines(_stored_blocks(data))

    def close(self) -> None:
        self._raw.write(self._deflater.flush())
        self._raw.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def _count(self, data: bytes) -> None:
        self._crc = codecs.crc32(data, self._crc)
        self._size += len(data)


def _stored_blocks(data: bytes) -> Iterator[Union[bytes, memoryview]]:
    view = memoryview(data)
    for at in range(0, len(data), _STORED_BYTES):
        piece = view[at : at + _STORED_BYTES]
        yield struct.pack("<BHH", 0, len(piece), len(piece) ^ 0xFFFF)
        yield piece


def is_worth_deflating(path: Path) -> bool:
    """Whether deflate gets anything out of the middle of a file."""
    with open(path, "rb") as content:
        content.seek(max(0, (path.stat().st_size - SAMPLE_BYTES) // 2))
        sample = content.read(SAMPLE_BYTES)
    return len(zlib.compress(sample, LEVEL)) < WORTH * len(sample)
