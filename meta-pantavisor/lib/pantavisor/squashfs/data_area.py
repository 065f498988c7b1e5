# SPDX-License-Identifier: MIT
"""The contents of files in an image: whole blocks one after the other, and the ends of files, which are
smaller than a block, put together in blocks of their own. What is equal is known by SHA-256.

Of a file that is known by the SHA-256 of its blocks nothing is read that the cache has packed.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Callable, Optional

from ..layers.stream import Span
from ..layers.tree import ZEROS
from .cached_blocks import BlockPacker
from .ends import End, EndsBlock, Unread, pieces, skipped
from .packing_threads import Block, PackingThreads
from .stored_blocks import Output, StoredBlocks

NO_ENDS = 0xFFFFFFFF  # the number of no block of ends
_BACKLOG = 16  # blocks that wait: enough to keep the threads busy, few enough to stay small in memory
_BACKLOG_PER_THREAD = 2


class Content:
    """Where the content of a file is: ``words`` for its blocks from ``start`` on, 0 for one of zeros, and
    ``offset`` in the block of ends with the number ``ends``. ``sparse`` bytes are in blocks of zeros.
    """

    __slots__ = ("size", "start", "words", "ends", "offset", "sparse", "names", "end_name")

    def __init__(self) -> None:
        self.size = self.start = self.sparse = 0
        self.words: list[int] = []
        self.ends = self.offset = NO_ENDS
        self.names: list[bytes] = []
        self.end_name = b""

    @property
    def digests(self) -> bytes:
        """The SHA-256 of its blocks and of its end, where there is a cache; ZEROS for what is all zeros."""
        return b"".join([*self.names, self.end_name])


_Step = Callable[[Content, Optional[Block]], None]


class DataArea:
    """Takes files one after the other, and writes them in this order."""

    def __init__(
        self, output: Output, packer: BlockPacker, threads: PackingThreads, block_size: int
    ) -> None:
        self._packer = packer
        self._threads = threads
        self._block_size = block_size
        self._backlog = _BACKLOG + _BACKLOG_PER_THREAD * len(threads)
        self._stored = StoredBlocks(output)
        self._first = 0  # the number of the first block of the file that is being written
        self._steps: deque[tuple[_Step, Content, Optional[Block]]] = deque()
        self._places: dict[bytes, tuple[int, int]] = {}  # of ends, by their names
        self._ends = EndsBlock()
        self._closed = 0  # blocks of ends
        self.ends_table: list[tuple[int, int]] = []  # where each is, and its word

    def add(self, spans: Iterator[Span], size: int) -> Content:
        """One more file of ``size`` bytes. What is said of it is complete after ``finish``. Raises what
        reading it raises.
        """
        content = Content()
        if size < self._block_size:  # as nearly all
            self._read_ends()
            end = b"".join([chunk[start:stop] for chunk, start, stop in spans])
            content.size = len(end)
            self._add_read_end(content, end)
        else:
            self._add_read(content, spans)
        return content

    def add_known(self, spans: Iterator[Span], size: int, names: Sequence[bytes]) -> Content:
        """The same of a file of ``size`` bytes, the names of whose blocks and end are known. ``spans`` are
        used up late or never.
        """
        content = Content()
        whole, end_size = divmod(size, self._block_size)
        if self._add_kept(content, names[:whole]):
            content.size += end_size
            if whole:
                self._then(self._merge, content)
            if end_size:
                end = Unread(spans, whole * self._block_size, names[whole])
                self._add_end(content, end.name, end, end_size)
        else:
            self._add_read(content, skipped(spans, content.size))
        return content

    def finish(self) -> None:
        """Write what is left."""
        if self._ends.size:
            self._close_ends()
        self._take_steps(0)

    def _add_read(self, content: Content, spans: Iterator[Span]) -> None:
        """Add what is left of a file."""
        self._read_ends()
        end = b""
        for chunk, start, stop in pieces(spans, self._block_size):
            content.size += stop - start
            if stop - start == self._block_size:
                self._submit(self._store, content, Block(chunk, start, stop))
            else:
                end = chunk[start:stop]
        if content.size > len(end):
            self._then(self._merge, content)
        self._add_read_end(content, end)

    def _read_ends(self) -> None:
        """Read what lies in its layer before what is read next."""
        if not self._ends.is_read:
            self._ends.read()

    def _add_kept(self, content: Content, names: Sequence[bytes]) -> bool:
        """Add blocks as long as the cache has them; whether it had them all."""
        for name in names:
            stored = b"" if name == ZEROS else self._packer.kept(name)
            if stored is None:
                return False
            self._then(self._store, content, Block.kept(stored, self._block_size, name))
            content.size += self._block_size
        return True

    def _add_read_end(self, content: Content, end: bytes) -> None:
        if end:
            name = hashlib.sha256(end).digest() if end.strip(b"\0") else ZEROS
            self._add_end(content, name, end, len(end))

    def _add_end(self, content: Content, name: bytes, end: End, size: int) -> None:
        content.end_name = name
        if name == ZEROS:
            self._then(self._leave_out, content)
            return
        place = self._places.get(name)
        if place is None:
            if self._ends.size + size > self._block_size:
                self._close_ends()
            place = self._places[name] = self._closed, self._ends.size
            self._ends.add(name, end, size)
        content.ends, content.offset = place

    def _close_ends(self) -> None:
        ends, self._ends = self._ends, EndsBlock()
        stored = None if ends.is_read else self._packer.kept(ends.name)
        if stored is None:
            ends.read()
            self._submit(self._store_ends, Content(), Block(ends.joined(), 0, ends.size, ends.name))
        else:
            self._then(self._store_ends, Content(), Block.kept(stored, ends.size, ends.name))
        self._closed += 1

    def _submit(self, step: _Step, content: Content, block: Block) -> None:
        self._threads.submit(block)
        self._then(step, content, block)

    def _then(self, step: _Step, content: Content, block: Optional[Block] = None) -> None:
        """Do ``step`` after those before it, once ``block`` is packed."""
        self._steps.append((step, content, block))
        self._take_steps(self._backlog)

    def _take_steps(self, left: int) -> None:
        """Do what comes next, until ``left`` steps are left."""
        while len(self._steps) > left:
            step, content, block = self._steps.popleft()
            if block is not None:
                block.wait()
            step(content, block)

    def _store(self, content: Content, block: Optional[Block]) -> None:
        assert block is not None
        if block.stored:
            content.words.append(self._stored.append(block)[1])
            content.names.append(block.name)
        else:
            content.words.append(0)
            content.sparse += block.size
            content.names.append(ZEROS)

    def _store_ends(self, _: Content, block: Optional[Block]) -> None:
        assert block is not None
        self.ends_table.append(self._stored.append(block))
        self._first = len(self._stored)

    def _merge(self, content: Content, _: Optional[Block]) -> None:
        """All whole blocks of a file were stored."""
        if len(self._stored) > self._first:
            content.start = self._stored.merge(self._first)
        self._first = len(self._stored)

    def _leave_out(self, content: Content, _: Optional[Block]) -> None:
        """The end of a file is all zeros."""
        content.words.append(0)
        content.sparse += content.size % self._block_size
