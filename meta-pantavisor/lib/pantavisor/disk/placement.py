# SPDX-License-Identifier: MIT
"""Where the partitions and blobs of a board lie on its disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from ..board import Board
from ..errors import FormatError
from . import ext4, gpt

MAX_BYTES = 16 * 1024**4 - gpt.ALIGNMENT


@dataclass(frozen=True)
class DiskSpan:
    """Where something lies on the disk, in bytes."""

    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size


def place(board: Board, sizes: Sequence[int], size: Optional[int]) -> tuple[DiskSpan, ...]:
    """A span for each partition, the storage last. ``sizes`` are what each needs at least, in bytes, in
    that order.

    ``size`` of the disk is rounded down to a MiB; None: as large as is needed. Raises FormatError where
    that is too small or too large, and for a board that cannot be.
    """
    if len(set(board.names)) != len(board.names) or board.first % gpt.ALIGNMENT or board.first <= 0:
        raise FormatError("partitions need names of their own, and begin at a whole MiB")
    found, start = [], board.first
    for needed in sizes[:-1]:
        found.append(DiskSpan(start, needed))
        start += needed
    if size is None:
        storage = -(-sizes[-1] // gpt.ALIGNMENT) * gpt.ALIGNMENT
    else:
        storage = size // gpt.ALIGNMENT * gpt.ALIGNMENT - gpt.ALIGNMENT - start
    if storage < ext4.MIN_BYTES:
        least = start + ext4.MIN_BYTES + gpt.ALIGNMENT
        raise FormatError(f"a disk image of {size} bytes is too small", hint=f"use at least {least} bytes")
    if (end := start + storage) > MAX_BYTES:
        raise FormatError(
            f"a disk image of {end} bytes is too large", hint=f"use at most {MAX_BYTES} bytes"
        )
    return (*found, DiskSpan(start, storage))


def place_blobs(board: Board, sizes: Sequence[int]) -> tuple[DiskSpan, ...]:
    """A span for each blob, whose ``sizes`` in bytes are given in order. Raises FormatError where one has
    no room.
    """
    spans = tuple(DiskSpan(blob.offset, size) for blob, size in zip(board.blobs, sizes))
    before = gpt.HEAD_BYTES
    for blob, span in sorted(zip(board.blobs, spans), key=lambda pair: pair[1].start):
        if span.start < before or span.end > board.first:
            raise FormatError(
                f"{blob.path} ({span.size} bytes) has no room at byte {span.start} of the disk",
                hint=(
                    f"place it between bytes {before} and {board.first}: "
                    "tables and other blobs end before, partitions follow"
                ),
            )
        before = span.end
    return spans
