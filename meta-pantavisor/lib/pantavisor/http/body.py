# SPDX-License-Identifier: MIT
"""What is sent with a request: a known number of bytes of a stream."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO


def ignore_advance(_: int) -> None:
    """An ``advance`` for those who do not watch."""


class Body:
    """The next ``length`` bytes of ``stream``; ``advance`` is given the number of those that leave."""

    def __init__(
        self, stream: BinaryIO, length: int, advance: Callable[[int], None] = ignore_advance
    ) -> None:
        self.length = length
        self._stream = stream
        self._left = length
        self._advance = advance

    @classmethod
    def of(cls, data: bytes) -> Body:
        return cls(io.BytesIO(data), len(data))

    def read(self, count: int = -1) -> bytes:
        """As a file's, which ends where the body ends."""
        data = self._stream.read(self._left if count < 0 else min(count, self._left))
        self._left -= len(data)
        self._advance(len(data))
        return data
