# SPDX-License-Identifier: MIT
"""Blocks in the order in which an image has them. Those of a file are taken back where they are the same
as a run of earlier ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Optional, Protocol

from .packing_threads import Block

_STORED_PLAIN = 1 << 24  # in a word: the block is not packed


class Output(Protocol):
    """The file of an image."""

    def append(self, data: bytes) -> int:
        """Write at its end; returns where that was."""

    def read(self, position: int, size: int) -> bytes:
        """The ``size`` bytes from ``position`` on."""

    def truncate(self, size: int) -> None:
        """Cut it to ``size`` bytes."""


class StoredBlocks:
    """Writes blocks, and knows which are equal by their identity. One without a name gets it from its size
    and checksum; only where these are the same as those of an earlier one, both are hashed.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._identities: list[bytes] = []
        self._positions: list[int] = []
        self._numbers: dict[bytes, list[int]] = {}  # of the blocks with an identity
        # By size and checksum, the first such block: where it is, and its SHA-256 once that was needed.
        self._firsts: dict[bytes, tuple[int, bytes]] = {}

    def __len__(self) -> int:
        return len(self._identities)

    def append(self, block: Block) -> tuple[int, int]:
        """Write a block: where it is, and the word for it, which has its size."""
        position = self._output.append(block.stored)
        identity = block.name or self._identity(block, position)
        self._numbers.setdefault(identity, []).append(len(self._identities))
        self._identities.append(identity)
        self._positions.append(position)
        return position, len(block.stored) | (0 if block.is_packed else _STORED_PLAIN)

    def _identity(self, block: Block, position: int) -> bytes:
        weak = b"%d %d %d" % (block.is_packed, len(block.stored), block.checksum)
        first, digest = self._firsts.setdefault(weak, (position, b""))
        if first == position:
            return weak
        if not digest:
            digest = hashlib.sha256(self._output.read(first, len(block.stored))).digest()
            self._firsts[weak] = first, digest
        own = hashlib.sha256(block.stored).digest()
        return weak if own == digest else own

    def merge(self, first: int) -> int:
        """Where the blocks from number ``first`` on are, which are those of a file; they are taken back
        where earlier ones are the same.
        """
        own = self._identities[first:]
        found = self._earlier(own, first)
        if found is None:
            return self._positions[first]
        # The run may go on into the file itself, as far as blocks repeat there.
        kept = max(first, found + len(own))
        if kept < len(self._identities):
            self._output.truncate(self._positions[kept])
            for identity in self._identities[kept:]:
                self._numbers[identity].pop()
            del self._identities[kept:], self._positions[kept:]
        return self._positions[found]

    def _earlier(self, own: Sequence[bytes], first: int) -> Optional[int]:
        """The number of the first block of the first run of ``own`` that begins before ``first``."""
        rarest = min(range(len(own)), key=lambda index: len(self._numbers[own[index]]))
        for number in self._numbers[own[rarest]]:
            begin = number - rarest
            if begin >= first:
                return None
            if begin >= 0 and self._identities[begin : begin + len(own)] == own:
                return begin
        return None
