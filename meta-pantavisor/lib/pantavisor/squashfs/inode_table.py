# SPDX-License-Identifier: MIT
"""The table of inodes: they are put together here and handed to the library by the block, since a call for
each takes longer than to make it.
"""

from __future__ import annotations

from ctypes import c_uint32, c_uint64
from typing import Any

from .library import META_BLOCK_BYTES, Library


class InodeTable:
    """Inodes one after the other, by ``writer``. Where one lies is its reference: the block, as it is
    stored, and the offset in what that unpacks to.
    """

    def __init__(self, library: Library, writer: Any) -> None:
        self._library = library
        self._writer = writer
        self._pending = bytearray()
        self._block = self._offset = 0  # where what is pending begins

    def add(self, inode: bytes) -> int:
        """One more inode; returns its reference."""
        end = self._offset + len(self._pending)
        reference = self._block << 16 | end
        self._pending += inode
        if end + len(inode) >= META_BLOCK_BYTES:
            self._hand_over()
        return reference

    def add_made(self, inode: Any) -> int:
        """The same of one that the library made."""
        self._hand_over()
        reference = self._block << 16 | self._offset
        self._library.meta_writer_write_inode(self._writer, inode)
        self._find_place()
        return reference

    def flush(self) -> None:
        """Write the last block."""
        self._hand_over()
        self._library.meta_writer_flush(self._writer)

    def _hand_over(self) -> None:
        if self._pending:
            self._library.meta_writer_append(self._writer, bytes(self._pending), len(self._pending))
            self._pending.clear()
            self._find_place()

    def _find_place(self) -> None:
        block, offset = c_uint64(), c_uint32()
        self._library.meta_writer_get_position(self._writer, block, offset)
        self._block, self._offset = block.value, offset.value
