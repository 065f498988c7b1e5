# SPDX-License-Identifier: MIT
"""The packed blocks of a squashfs 4.0 image: superblock, metadata, and the tables that metadata blocks
form.

Every number in an image may be hostile: what is read is bounded by the file, by the block size and by
Limits.

Source: Linux, Documentation/filesystems/squashfs.rst, and the description of the format that comes
with squashfs-tools-ng.
"""

from __future__ import annotations

import lzma
import os
import struct
import zlib
from typing import Any, BinaryIO, NamedTuple

from .. import codecs
from ..errors import FormatError
from .profile import MAX_BLOCK_BYTES, MIN_BLOCK_BYTES

NONE = 0xFFFFFFFFFFFFFFFF
META_BYTES = 8192
MAX_TABLE_ENTRIES = 2**20
MAX_KEPT = 4096  # metadata blocks; an image may have one begin at each of its bytes
_SUPER = struct.Struct("<IIIIIHHHHHHQQQQQQQQ")
_MAGIC = 0x73717368
_COMPRESSIONS = {1: "gzip", 4: "xz", 6: "zstd"}
_RAW_META = 0x8000
_RAW_BLOCK = 1 << 24


class SuperBlock(NamedTuple):
    """What of the superblock is of use to a reader."""

    inode_count: int
    block_size: int
    fragment_count: int
    compression: str
    id_count: int
    root: int
    id_table: int
    xattr_table: int
    inode_table: int
    directory_table: int
    fragment_table: int


class Blocks:
    """Random access to an open image. Raises FormatError for whatever is not as it must be; ``what`` names
    it.
    """

    def __init__(self, stream: BinaryIO, *, what: str) -> None:
        self._stream = stream
        self.what = what
        self._size = os.fstat(stream.fileno()).st_size
        self.super = self._super()
        self._meta: dict[int, tuple[bytes, int]] = {}

    def data(self, position: int, word: int, size: int) -> bytes:
        """A data block or fragment block of at most ``size`` bytes, whose size word is ``word``.
        Raises FormatError.
        """
        stored = word & (_RAW_BLOCK - 1)
        if stored > self.super.block_size or word >= 2 * _RAW_BLOCK:
            raise self.bad("a data block longer than a block")
        packed = self._read(position, stored)
        return packed if word & _RAW_BLOCK else self._unpack(packed, size)

    def metadata(self, position: int) -> tuple[bytes, int]:
        """The content of the metadata block at ``position``, and where the next begins.
        Raises FormatError.
        """
        found = self._meta.get(position)
        if found is None:
            (word,) = struct.unpack("<H", self._read(position, 2))
            size = word & ~_RAW_META
            packed = self._read(position + 2, size)
            data = packed if word & _RAW_META else self._unpack(packed, META_BYTES)
            if len(self._meta) >= MAX_KEPT:
                self._meta.clear()
            found = self._meta[position] = data, position + 2 + size
        return found

    def table(self, position: int, count: int, entry_bytes: int) -> bytes:
        """``count`` entries after the list of metadata blocks at ``position``. Raises FormatError."""
        if count > MAX_TABLE_ENTRIES:
            raise self.bad(f"a table of {count} entries")
        total = count * entry_bytes
        blocks = -(-total // META_BYTES)
        starts = struct.unpack(f"<{blocks}Q", self._read(position, 8 * blocks))
        content = b"".join(self.metadata(start)[0] for start in starts)
        if len(content) != total:
            raise self.bad("a table that is cut off")
        return content

    def raw(self, position: int, form: str) -> tuple[Any, ...]:
        """Numbers that lie unpacked in the file from the byte ``position`` on, by a ``form`` of struct.

        Raises FormatError.
        """
        return struct.unpack(form, self._read(position, struct.calcsize(form)))

    def bad(self, text: str) -> FormatError:
        return FormatError(f"{self.what} is a damaged squashfs image: it has {text}")

    def _super(self) -> SuperBlock:
        if self._size < _SUPER.size:
            raise FormatError(f"{self.what} is too short for a squashfs image")
        (
            magic, inodes, _, block, fragments, compression, log, _, ids, major, minor,
            root, used, id_table, xattrs, inode_table, directories, fragment_table, _,
        ) = self.raw(0, _SUPER.format)  # fmt: skip
        if magic != _MAGIC or (major, minor) != (4, 0):
            raise FormatError(f"{self.what} is not a squashfs 4.0 image")
        if not MIN_BLOCK_BYTES <= block <= MAX_BLOCK_BYTES or block != 1 << log or used > self._size:
            raise self.bad("an impossible size")
        if compression not in _COMPRESSIONS:
            raise FormatError(
                f"{self.what} is packed in a way (number {compression}) that cannot be read here",
                hint=f"pack it with one of: {', '.join(_COMPRESSIONS.values())}",
            )
        codec = _COMPRESSIONS[compression]
        return SuperBlock(
            inodes,
            block,
            fragments,
            codec,
            ids,
            root,
            id_table,
            xattrs,
            inode_table,
            directories,
            fragment_table,
        )

    def _read(self, position: int, size: int) -> bytes:
        if position + size > self._size:
            raise self.bad("a block that lies beyond its end")
        self._stream.seek(position)
        return self._stream.read(size)

    def _unpack(self, packed: bytes, size: int) -> bytes:
        broken: tuple[type[Exception], ...] = (zlib.error, lzma.LZMAError, EOFError, OSError)
        broken += codecs.errors(self.super.compression)
        try:
            data: bytes = self._decompressor().decompress(packed, size + 1)
        except broken as error:
            raise self.bad(f"a block that cannot be unpacked ({error})") from error
        if len(data) > size:
            raise self.bad("a block that unpacks to too many bytes")
        return data

    def _decompressor(self) -> Any:
        if self.super.compression == "gzip":
            return zlib.decompressobj()
        return codecs.decompressor(self.super.compression)


class Cursor:
    """Reading on across metadata blocks from ``offset`` of the one at ``position``."""

    def __init__(self, blocks: Blocks, position: int, offset: int) -> None:
        self._blocks = blocks
        self._data, self._next = blocks.metadata(position)
        self._offset = offset
        if offset > len(self._data):
            raise blocks.bad("a reference beyond the end of its block")

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes. Raises FormatError."""
        pieces = []
        while size:
            if self._offset == len(self._data):
                self._data, self._next = self._blocks.metadata(self._next)
                self._offset = 0
                if not self._data:
                    raise self._blocks.bad("an empty metadata block")
            piece = self._data[self._offset : self._offset + size]
            pieces.append(piece)
            self._offset += len(piece)
            size -= len(piece)
        return b"".join(pieces)

    def numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.read(struct.calcsize(form)))
