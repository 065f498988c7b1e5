# SPDX-License-Identifier: MIT
"""Threads that pack blocks end with the image they work for, however that ends."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any, Callable, cast

import pytest
from pantavisor import squashfs
from pantavisor.layers.tree import IMPLIED, Directory, Tree
from pantavisor.squashfs import Profile
from pantavisor.squashfs.cached_blocks import BlockPacker
from pantavisor.squashfs.packing_threads import Block, PackingThreads

SIZE = 4096


class Packer:
    """Calls ``work`` for each block, and counts those that it is done with."""

    has_cache = False

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self.done = 0

    def pack(self, *_: Any) -> tuple[bytes, bool]:
        self._work()
        self.done += 1
        return b"x", True


def started(packer: Packer) -> PackingThreads:
    return PackingThreads([cast(BlockPacker, packer)], SIZE)


def submit(workers: PackingThreads, count: int) -> None:
    for _ in range(count):
        workers.submit(Block(b"x" * SIZE, 0, SIZE))


def test_after_an_error_no_waiting_block_is_packed() -> None:
    packer = Packer(lambda: time.sleep(0.02))
    with pytest.raises(ZeroDivisionError), started(packer) as workers:
        submit(workers, 100)
        raise ZeroDivisionError
    assert packer.done < 10


def test_all_blocks_are_packed_where_all_is_well() -> None:
    packer = Packer(lambda: None)
    with started(packer) as workers:
        submit(workers, 100)
    assert packer.done == 100


def test_an_interrupt_at_the_end_waits_for_the_block_that_is_being_packed() -> None:
    main = threading.get_ident()
    # Shells start what runs in the background deaf to it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupted() -> None:
        time.sleep(0.2)
        signal.pthread_kill(main, signal.SIGINT)
        time.sleep(0.2)

    packer = Packer(interrupted)
    try:
        with pytest.raises(KeyboardInterrupt), started(packer) as workers:
            submit(workers, 1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert packer.done == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_ends_the_packing_of_a_table_is_not_blamed_on_the_compressor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def pack(*_: Any) -> tuple[bytes, bool]:
        raise error

    monkeypatch.setattr(BlockPacker, "pack", pack)
    with pytest.raises(error):
        squashfs.write(Tree(Directory(IMPLIED)), tmp_path / "i", profile=Profile("x", "lz4"))
    assert list(tmp_path.iterdir()) == []
