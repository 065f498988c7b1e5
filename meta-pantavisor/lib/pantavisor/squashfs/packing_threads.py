# SPDX-License-Identifier: MIT
"""Blocks packed by threads. The library's compressors work without the interpreter's lock."""

from __future__ import annotations

import ctypes
import hashlib
import queue
import threading
from collections.abc import Sequence
from typing import Any, Optional

from .. import codecs
from ..errors import PantavisorError
from .cached_blocks import BlockPacker


class Block:
    """``chunk[start:end]`` on its way: ``stored`` is what the image has of it, nothing where all of it is
    zeros. Its ``name`` is the SHA-256 of the plain block where there is a cache; else there is a
    ``checksum`` of what is stored.
    """

    __slots__ = ("chunk", "start", "end", "name", "stored", "is_packed", "checksum", "error", "_done")

    def __init__(self, chunk: bytes, start: int, end: int, name: bytes = b"") -> None:
        self.chunk, self.start, self.end = chunk, start, end
        self.name = name
        self.stored = b""
        self.is_packed = False
        self.checksum = 0
        self.error: Optional[BaseException] = None
        self._done = threading.Lock()
        self._done.acquire()

    @classmethod
    def kept(cls, stored: bytes, size: int, name: bytes) -> Block:
        """One of ``size`` bytes that was packed another time."""
        block = cls(b"", 0, size, name)
        block.stored, block.is_packed = stored, len(stored) < size
        block.finish()
        return block

    @property
    def size(self) -> int:
        return self.end - self.start

    def finish(self) -> None:
        """Let go of the bytes, and of who waits."""
        self.chunk = b""
        self._done.release()

    def wait(self) -> None:
        """Until it is packed. Raises PantavisorError where that failed."""
        self._done.acquire()
        if self.error is not None:
            raise self.error


class PackingThreads:
    """Packs what is submitted, each packer in a thread, until the end of the ``with`` block. After an error
    what still waits is not packed.
    """

    def __init__(self, packers: Sequence[BlockPacker], block_size: int) -> None:
        self._block_size = block_size
        self._zeros = bytes(block_size)
        self._failed = False
        self._blocks: queue.SimpleQueue[Optional[Block]] = queue.SimpleQueue()
        self._ended = [threading.Event() for _ in packers]
        self._threads = [
            threading.Thread(target=self._work, args=(packer, ended), name="pack", daemon=True)
            for packer, ended in zip(packers, self._ended)
        ]

    def __len__(self) -> int:
        return len(self._threads)

    def __enter__(self) -> PackingThreads:
        threads, self._threads = self._threads, []
        try:
            for thread in threads:
                thread.start()
                self._threads.append(thread)
        except RuntimeError as error:
            # Fewer do the same work.
            if not self._threads:
                hint = "raise the limit of processes: that of ulimit -u, or the container's"
                raise PantavisorError("no thread can be started to pack blocks", hint=hint) from error
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, kind: object, *_details: object) -> None:
        self._failed = kind is not None
        for _ in self._threads:
            self._blocks.put(None)
        interrupt = None
        for ended in self._ended[: len(self._threads)]:
            # Their compressors go next: an interrupt must not leave one at work. A thread whose
            # join() was interrupted is over for Python, and may not be.
            while not ended.is_set():
                try:
                    ended.wait()
                except KeyboardInterrupt as error:
                    self._failed, interrupt = True, error
        for thread in self._threads:
            thread.join()
        if interrupt is not None:
            raise interrupt

    def submit(self, block: Block) -> None:
        """Have ``block`` packed, soon."""
        self._blocks.put(block)

    def _work(self, packer: BlockPacker, ended: threading.Event) -> None:
        try:
            out = ctypes.create_string_buffer(self._block_size)
            while (block := self._blocks.get()) is not None:
                try:
                    if not self._failed:
                        self._pack(packer, block, out)
                except BaseException as error:
                    block.error = error
                block.finish()
        finally:
            ended.set()

    def _pack(self, packer: BlockPacker, block: Block, out: Any) -> None:
        chunk, start, size = block.chunk, block.start, block.size
        if not chunk[start] and chunk[start : block.end] == self._zeros[:size]:
            return
        if packer.has_cache and not block.name:
            block.name = hashlib.sha256(memoryview(chunk)[start : block.end]).digest()
        address = (ctypes.cast(ctypes.c_char_p(chunk), ctypes.c_void_p).value or 0) + start
        block.stored, block.is_packed = packer.pack(address, size, out, block.name)
        if not block.name:
            block.checksum = codecs.crc32(block.stored)
