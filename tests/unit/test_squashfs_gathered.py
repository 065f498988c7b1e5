# SPDX-License-Identifier: MIT
"""Blocks that are gathered before they are written: the same file as without."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable

import pytest
from pantavisor.squashfs.gathered import GATHERED_BYTES, Gathered


class Target:
    """A file in memory."""

    def __init__(self) -> None:
        self.content = bytearray(b"superblock")
        self.writes = 0

    def size(self) -> int:
        return len(self.content)

    def write(self, data: object, size: int) -> None:
        assert isinstance(data, ctypes.Array)
        self.content += data.raw[:size]
        self.writes += 1

    def read(self, position: int, size: int) -> bytes:
        return bytes(self.content[position : position + size])

    def truncate(self, size: int) -> None:
        del self.content[size:]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_gathered_is_the_same_file(seed: int) -> None:
    chance, target, plain = random.Random(seed), Target(), bytearray(b"superblock")
    gathered = Gathered(target)

    def append() -> None:
        block = chance.randbytes(chance.choice([0, 1, 40_000, GATHERED_BYTES // 2, GATHERED_BYTES]))
        assert gathered.append(block) == len(plain)
        plain.extend(block)

    def truncate() -> None:
        size = chance.randrange(10, len(plain) + 1)
        gathered.truncate(size)
        del plain[size:]

    def read() -> None:
        position = chance.randrange(len(plain))
        size = min(1000, len(plain) - position)
        assert gathered.read(position, size) == plain[position : position + size]

    steps: list[Callable[[], None]] = [append, append, append, truncate, read]
    for _ in range(60):
        chance.choice(steps)()
    gathered.flush()
    assert target.content == plain


def test_small_blocks_are_written_together() -> None:
    target = Target()
    gathered = Gathered(target)
    for _ in range(100):
        gathered.append(bytes(GATHERED_BYTES // 10))
    gathered.flush()
    assert target.writes == 10
