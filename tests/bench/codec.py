# SPDX-License-Identifier: MIT
"""The compressor alone: what its own work on an image's blocks costs."""

from __future__ import annotations

import hashlib
import lzma
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backports import zstd
from pantavisor import squashfs
from pantavisor.squashfs import BLOCK_BYTES

BLOCKS_AT_ONCE = 64


def blocks(image: Path) -> Iterator[bytes]:
    """What a squashfs compresses of the files of ``image``: each different block once, ends of files put
    together.
    """
    ends, seen = bytearray(), set()
    for _, spans in squashfs.read(image).contents():
        content = b"".join(chunk[start:end] for chunk, start, end in spans)
        for at in range(0, len(content), BLOCK_BYTES):
            block = content[at : at + BLOCK_BYTES]
            digest = hashlib.sha1(block).digest()
            if digest in seen or not any(block):
                continue
            seen.add(digest)
            if len(block) == BLOCK_BYTES:
                yield block
            elif len(ends) + len(block) > BLOCK_BYTES:
                yield bytes(ends)
                ends = bytearray(block)
            else:
                ends += block
    yield bytes(ends)


def compressor(codec: str, level: int) -> Callable[[bytes], bytes]:
    if codec == "xz":
        filters = [{"id": lzma.FILTER_LZMA2, "preset": level, "dict_size": BLOCK_BYTES}]
        return lambda block: lzma.compress(block, check=lzma.CHECK_CRC32, filters=filters)
    return lambda block: zstd.compress(block, level)


def seconds(image: Path, codec: str, level: int) -> float:
    """CPU seconds of the compressor over all blocks of ``image``, with a thread for each processor, as it
    has in a build.
    """
    compress = compressor(codec, level)
    room = threading.Semaphore(BLOCKS_AT_ONCE)

    def timed(block: bytes) -> float:
        began = time.thread_time()
        compress(block)
        room.release()
        return time.thread_time() - began

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # Submitted only as fast as they are worked off, so that not all blocks are in memory.
        return sum(
            taken.result()
            for taken in [pool.submit(timed, block) for block in blocks(image) if room.acquire()]
        )


if __name__ == "__main__":
    print(seconds(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
