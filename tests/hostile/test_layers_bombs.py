# SPDX-License-Identifier: MIT
"""Packed layers that unpack to far more than they are: refused while they are read, and never whole in
memory.
"""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib

import pytest
from pantavisor import layers
from pantavisor.errors import LimitError
from pantavisor.layers import Limits
from sim.layers import member, tar


def bomb(size: int) -> bytes:
    """``size`` zero bytes as one gzip stream."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(bytes(2**20)) for _ in range(size // 2**20)]
    return b"".join([*parts, packer.flush()])


def test_a_bomb_is_refused_and_never_lies_in_memory() -> None:
    head = tar([member("a", content=b"")])[:-1024]
    packed = gzip.compress(head) + bomb(200 * 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(LimitError, match="100 times"):
            layers.from_tar(lambda: io.BytesIO(packed), Limits(ratio=100))
        with pytest.raises(LimitError, match="bytes unpacked"):
            layers.from_tar(lambda: io.BytesIO(packed), Limits(total_bytes=100 * 2**20))
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_honest_zeros_at_deflates_best_ratio_pass() -> None:
    layers.from_tar(lambda: io.BytesIO(bomb(100 * 2**20)))


def test_a_large_file_costs_no_memory() -> None:
    archive = tar([member("a", content=bytes(60 * 2**20))])
    packed = gzip.compress(archive, 1)
    tracemalloc.start()
    try:
        tree = layers.from_tar(lambda: io.BytesIO(packed))
        total = sum(end - start for _, spans in tree.contents() for _, start, end in spans)
        assert total == 60 * 2**20
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
