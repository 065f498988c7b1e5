# SPDX-License-Identifier: MIT
"""GNU tar's sparse files: where in the file the stored pieces belong.

Four forms: the old one in the header itself with extension blocks, and pax 0.0, 0.1 and 1.0. All become a
sorted tuple of (position, length); what lies between is holes. Source: the manual of GNU tar, "Storing
Sparse Files".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import FormatError
from ..tar import BLOCK
from ..tar.numbers import decimal, number
from .limits import Limits, check
from .stream import ChunkStream, Span, zeros

Segments = tuple[tuple[int, int], ...]

_OLD_IN_HEADER = 4
_OLD_IN_EXTENSION = 21
_OLD_PIECE_BYTES = 24
_MAX_LINE_BYTES = 24  # of a number in a 1.0 map


def from_old_header(header: bytes, stream: ChunkStream, limits: Limits) -> Segments:
    """The map of an old GNU sparse header, reading its extension blocks from ``stream``.
    Raises FormatError.
    """
    numbers = list(_old_pieces(header[386:482]))
    more = header[482]
    while more:
        check(len(numbers), limits.segments * 2, "pieces in one sparse file")
        block = stream.read(BLOCK)
        numbers += _old_pieces(block[: _OLD_IN_EXTENSION * _OLD_PIECE_BYTES])
        more = block[504]
    return _pairs(numbers, limits)


def from_map(text: bytes, limits: Limits) -> Segments:
    """The map of pax format 0.1: numbers between commas. Raises FormatError."""
    return _pairs([decimal(word) for word in text.split(b",")] if text else [], limits)


def from_content(stream: ChunkStream, limits: Limits) -> Segments:
    """The map of pax format 1.0, in whole blocks before the pieces:
    a count, then the numbers, one a line. Raises FormatError.
    """
    lines = _lines(stream)
    count = next(lines)
    check(count, limits.segments, "pieces in one sparse file")
    return _pairs([next(lines) for _ in range(2 * count)], limits)


def check_segments(segments: Segments, size: int, stored: int, *, what: str) -> None:
    """Raise FormatError unless the pieces are in order, within ``size``, and ``stored`` bytes together."""
    position = 0
    for start, length in segments:
        if start < position:
            raise FormatError(f"{what} has a sparse map whose pieces overlap")
        position = start + length
    if position > size or sum(length for _, length in segments) != stored:
        raise FormatError(f"{what} has a sparse map that does not fit its size")


def expand(stream: ChunkStream, segments: Segments, size: int) -> Iterator[Span]:
    """The whole file of ``size`` bytes: pieces from ``stream``, zeros between."""
    position = 0
    for start, length in segments:
        yield from zeros(start - position)
        yield from stream.spans(length)
        position = start + length
    yield from zeros(size - position)


def _old_pieces(area: bytes) -> Iterator[int]:
    for start in range(0, len(area), _OLD_PIECE_BYTES):
        piece = area[start : start + _OLD_PIECE_BYTES]
        if not piece.strip(b"\0 "):
            return
        yield number(piece[:12])
        yield number(piece[12:])


def _lines(stream: ChunkStream) -> Iterator[int]:
    pending = b""
    while True:
        line, newline, rest = pending.partition(b"\n")
        if newline:
            pending = rest
            yield decimal(line)
        elif len(pending) > _MAX_LINE_BYTES:
            raise FormatError("a sparse file has a map that is not made of numbers")
        else:
            pending += stream.read(BLOCK)


def _pairs(numbers: list[int], limits: Limits) -> Segments:
    if len(numbers) % 2:
        raise FormatError("a sparse file has a map with an odd number of numbers")
    check(len(numbers) // 2, limits.segments, "pieces in one sparse file")
    pairs = zip(numbers[::2], numbers[1::2])
    # A piece of no bytes only marks the end of the file.
    return tuple((start, length) for start, length in pairs if length)
