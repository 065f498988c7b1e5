# SPDX-License-Identifier: MIT
"""Chunks made ahead by a thread of their own: unpacking and hashing run while what came before is packed.

zlib, isal, zstd and hashlib work without the interpreter's lock, so two processors are of use.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Union

CHUNKS = 8  # made and not yet used: enough that neither side waits for long, small in memory
_End = Union[None, BaseException]


def ahead(chunks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The same chunks, and at their end what making them raised. ``close()`` ends the thread."""
    made: queue.SimpleQueue[Union[bytes, _End]] = queue.SimpleQueue()
    room: queue.SimpleQueue[None] = queue.SimpleQueue()  # in C, where a semaphore of threading is in Python
    for _ in range(CHUNKS):
        room.put(None)
    stopped = threading.Event()

    def make() -> None:
        end: _End = None
        try:
            for chunk in chunks:
                made.put(chunk)
                room.get()
                if stopped.is_set():
                    break
        except BaseException as error:
            end = error
        made.put(end)

    thread = threading.Thread(target=make, name="unpack", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system allows no more
        yield from chunks
        return
    try:
        while isinstance(found := made.get(), bytes):
            yield found
            room.put(None)
        if found is not None:
            raise found
    finally:
        stopped.set()
        room.put(None)
        thread.join()
