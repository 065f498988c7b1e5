# SPDX-License-Identifier: MIT
"""The ends of files, put together in a block; and the contents of files cut into pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Union

from ..errors import DigestError
from ..layers.stream import Span

_ENDS = b"ends"


class Unread(NamedTuple):
    """The end of a file, after the first ``skip`` of its bytes, whose SHA-256 is ``name``. Only perhaps it
    must be read.
    """

    spans: Iterator[Span]
    skip: int
    name: bytes

    def read(self) -> bytes:
        """Raises DigestError, and what reading raises."""
        end = b"".join(chunk[start:end] for chunk, start, end in skipped(self.spans, self.skip))
        # The block it becomes a part of is kept under its name, whatever is then found out about the layer.
        if hashlib.sha256(end).digest() != self.name:
            raise DigestError(
                "a layer holds another content than when it was unpacked the last time",
                hint="run it again; if that does not help, run: pvr cache clear",
            )
        return end


End = Union[bytes, Unread]


class EndsBlock:
    """A block of ends that is being put together."""

    def __init__(self) -> None:
        self.size = 0
        self.is_read = True  # whether all bytes are here
        self._ends: list[End] = []
        self._names: list[bytes] = []

    def add(self, name: bytes, end: End, size: int) -> None:
        """One more end of ``size`` bytes, whose SHA-256 is ``name``."""
        self.size += size
        self._ends.append(end)
        self._names.append(name)
        self.is_read = self.is_read and isinstance(end, bytes)

    @property
    def name(self) -> bytes:
        """Of what it is put together; it is not that of a block of a file."""
        return _ENDS + hashlib.sha256(b"".join(self._names)).digest()

    def read(self) -> None:
        """Read what is not here. Raises what reading raises."""
        if not self.is_read:
            self._ends = [end.read() if isinstance(end, Unread) else end for end in self._ends]
            self.is_read = True

    def joined(self) -> bytes:
        """The block, which was read."""
        return b"".join(end for end in self._ends if isinstance(end, bytes))


def skipped(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """What comes after the first ``size`` bytes."""
    for chunk, start, end in spans:
        step = min(size, end - start)
        size -= step
        if start + step < end:
            yield chunk, start + step, end


def pieces(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """The same bytes in pieces of ``size`` and a smaller last one, copied only where a piece is in several
    spans.
    """
    parts: list[Span] = []
    missing = size
    for chunk, start, end in spans:
        while end - start >= missing:
            stop = start + missing
            parts.append((chunk, start, stop))
            yield _joined(parts)
            parts = []
            start, missing = stop, size
        if end > start:
            parts.append((chunk, start, end))
            missing -= end - start
    if parts:
        yield _joined(parts)


def _joined(parts: Sequence[Span]) -> Span:
    if len(parts) == 1:
        return parts[0]
    whole = b"".join([memoryview(chunk)[start:end] for chunk, start, end in parts])
    return whole, 0, len(whole)
