# SPDX-License-Identifier: MIT
"""The block map of a disk image, format 2.0: which blocks to flash, each range with its sha256, the map
with its own.

The blocks are those that mean something, as the caller lists them, and not those that happen not to be a
hole of the file: the same image then has the same map on every file system, and a block of zeros that
matters reaches the flash.

Source: the comment at the top of each map that bmaptool makes.
"""

from __future__ import annotations

import hashlib
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .. import regular
from ..digest import CHUNK
from ..errors import FormatError, LimitError

BLOCK = 4096  # bytes
BLOCK_SIZES = frozenset(512 << power for power in range(8))  # of maps by other tools
MAX_TEXT = 64 * 1024 * 1024
MAX_IMAGE = 1 << 50


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


@dataclass(frozen=True)
class MappedRange:
    """Bytes of the image from ``start`` to ``end`` that must reach the flash, and their sha256."""

    start: int
    end: int
    sha256: str


@dataclass(frozen=True)
class ReadMap:
    """What a block map lists: the size of its image in bytes, and ranges in their order."""

    size: int
    ranges: tuple[MappedRange, ...]

    @property
    def mapped(self) -> int:
        return sum(found.end - found.start for found in self.ranges)


def read(path: Path) -> ReadMap:
    """The block map in a file, ours or one of bmaptool, version 2 with sha256. Raises FormatError."""
    with regular.opened(path) as stream:
        text = stream.read(MAX_TEXT + 1)
    if len(text) > MAX_TEXT:
        raise LimitError(f"{path} has more than {MAX_TEXT} bytes, too many for a block map")
    try:
        return _parse(text)
    except (ValueError, ET.ParseError, FormatError) as error:
        problem = error.message if isinstance(error, FormatError) else "it is not the XML of one"
        raise FormatError(
            f"{path} is not a block map: {problem}", hint="make it again: bmaptool create -o FILE.bmap FILE"
        ) from error


def check(image: Path, block_map: ReadMap) -> None:
    """Compare the whole image with its map. Raises FormatError."""
    hint = "copy image and block map again from where they were made"
    with regular.opened(image) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size != block_map.size:
            raise FormatError(
                f"{image} has {size} bytes, and its block map is for {block_map.size}", hint=hint
            )
        for found in block_map.ranges:
            if range_sha256(stream.fileno(), found.start, found.end) != found.sha256:
                place = f"bytes {found.start} to {found.end}"
                raise FormatError(f"{image} is damaged: {place} are not those of its block map", hint=hint)


def range_sha256(descriptor: int, start: int, end: int) -> str:
    """The sha256 in hex of the bytes from ``start`` to before ``end``, or to where the file ends."""
    hasher = hashlib.sha256()
    for at in range(start, end, CHUNK):
        hasher.update(os.pread(descriptor, min(CHUNK, end - at), at))
    return hasher.hexdigest()


def _parse(data: bytes) -> ReadMap:
    text = data.decode("utf-8")
    if "<!DOCTYPE" in text:
        raise FormatError("it declares a type of document, which could make it grow without bounds")
    root = ET.fromstring(text)
    if root.tag != "bmap" or not str(root.get("version", "")).startswith("2."):
        raise FormatError("its version is not 2")
    if (root.findtext("ChecksumType") or "").strip() != "sha256":
        raise FormatError("its checksums are not sha256")
    own = (root.findtext("BmapFileChecksum") or "").strip()
    if hashlib.sha256(data.replace(own.encode(), b"0" * len(own), 1)).hexdigest() != own:
        raise FormatError("its own checksum is wrong, so it is damaged")
    size, block = (_number(root.findtext(name)) for name in ("ImageSize", "BlockSize"))
    if not 0 < size <= MAX_IMAGE or block not in BLOCK_SIZES:
        raise FormatError(f"an image of {size} bytes in blocks of {block} cannot be")
    ranges, previous = [], 0
    for element in root.iterfind("BlockMap/Range"):
        first, dash, last = (element.text or "").strip().partition("-")
        start, end = _number(first) * block, (_number(last if dash else first) + 1) * block
        checksum = element.get("chksum", "")
        if start < previous or end <= start or start >= size or not re.fullmatch("[0-9a-f]{64}", checksum):
            raise FormatError(f'range "{(element.text or "").strip()[:40]}" overlaps, lies outside, '
                              "or has no checksum")  # fmt: skip
        previous = end
        ranges.append(MappedRange(start, min(end, size), checksum))
    return ReadMap(size, tuple(ranges))


def _number(text: Optional[str]) -> int:
    stripped = (text or "").strip()
    if not re.fullmatch("[0-9]{1,18}", stripped):
        raise FormatError(f'"{stripped[:40]}" is not a number')
    return int(stripped)
