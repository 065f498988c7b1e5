# SPDX-License-Identifier: MIT
"""The block map of a disk image, format 2.0: which blocks to flash, each range with its sha256, the map
with its own.

The blocks are those that mean something, as the caller lists them, and not those that happen not to be a
hole of the file: the same image then has the same map on every file system, and a block of zeros that
matters reaches the flash.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..digest import CHUNK
from ..errors import FormatError

BLOCK = 4096  # bytes


@dataclass(frozen=True)
class BlockMap:
    """The XML text, and how many bytes it maps."""

    text: bytes
    mapped: int


def make(image: Path, ranges: Iterable[tuple[int, int]]) -> BlockMap:
    """Read the given byte ranges (start, end) of ``image``, in any order, and describe them.

    Raises FormatError.
    """
    size = image.stat().st_size
    if size % BLOCK:
        raise FormatError(f"{image} is not a whole number of {BLOCK}-byte blocks")
    runs = list(_merge(ranges))
    with open(image, "rb", buffering=0) as stream:
        lines = [_range(first, last, _sha256(stream.fileno(), first, last)) for first, last in runs]
    count = sum(last - first + 1 for first, last in runs)
    blank = _render(size, count, lines, "0" * 64)
    text = _render(size, count, lines, hashlib.sha256(blank.encode()).hexdigest())
    return BlockMap(text.encode(), count * BLOCK)


def _merge(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    first = last = -1
    for start, end in sorted(ranges):
        low, high = start // BLOCK, -(-end // BLOCK) - 1
        if last >= 0 and low > last + 1:
            yield first, last
            first, last = low, high
        else:
            first, last = (low if last < 0 else first), max(last, high)
    if last >= 0:
        yield first, last


def _sha256(descriptor: int, first: int, last: int) -> str:
    hasher = hashlib.sha256()
    at, end = first * BLOCK, (last + 1) * BLOCK
    while at < end:
        chunk = os.pread(descriptor, min(CHUNK, end - at), at)
        if not chunk:
            raise FormatError("the disk image ends before its last mapped block")
        hasher.update(chunk)
        at += len(chunk)
    return hasher.hexdigest()


def _range(first: int, last: int, checksum: str) -> str:
    blocks = str(first) if first == last else f"{first}-{last}"
    return f'        <Range chksum="{checksum}">{blocks}</Range>\n'


def _render(size: int, mapped: int, lines: list[str], checksum: str) -> str:
    return (
        '<?xml version="1.0" ?>\n'
        '<bmap version="2.0">\n'
        f"    <ImageSize>{size}</ImageSize>\n"
        f"    <BlockSize>{BLOCK}</BlockSize>\n"
        f"    <BlocksCount>{size // BLOCK}</BlocksCount>\n"
        f"    <MappedBlocksCount>{mapped}</MappedBlocksCount>\n"
        "    <ChecksumType>sha256</ChecksumType>\n"
        f"    <BmapFileChecksum>{checksum}</BmapFileChecksum>\n"
        "    <BlockMap>\n" + "".join(lines) + "    </BlockMap>\n"
        "</bmap>\n"
    )
