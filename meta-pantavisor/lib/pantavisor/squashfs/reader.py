# SPDX-License-Identifier: MIT
"""A squashfs image as a tree: names and metadata at once, contents when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import NamedTuple, Optional, Union

from .. import regular
from ..layers import DeviceNode, Directory, Fifo, File, Limits, Metadata, Node, Socket, Symlink, Tree
from ..layers.limits import DEFAULT, Budget, check
from ..layers.stream import Span, zeros
from ..layers.tree import Stored, Xattrs
from .blocks import NONE, Blocks, Cursor
from .xattrs import PREFIXES

PathIn = Union[str, "PathLike[str]"]
_NO_FRAGMENT = 0xFFFFFFFF
_NO_XATTR = 0xFFFFFFFF
_OUT_OF_LINE = 0x100
_MAX_SYMLINK_BYTES = 65_536
_EXTENDED = 7


class _Place(NamedTuple):
    """Where a file's content lies."""

    start: int
    sizes: tuple[int, ...]
    fragment: int
    offset: int


def read(path: PathIn, limits: Limits = DEFAULT) -> Tree:
    """The tree of the image at ``path``, which must stay there while contents are read.

    Raises FormatError for what is not a sound image or packed by a codec unknown here, LimitError beyond
    ``limits``.
    """
    with regular.opened(path) as stream:
        reader = _Reader(Blocks(stream, what=str(path)), limits)
        root = reader.root()
    return Tree(root, [Contents(path, reader.places)])


class _Reader:
    def __init__(self, blocks: Blocks, limits: Limits) -> None:
        self._blocks = blocks
        self._budget = Budget(limits)
        head = blocks.super
        check(head.inode_count, limits.entries, "entries")
        table = blocks.table(head.id_table, head.id_count, 4)
        self._ids = [
            int.from_bytes(table[index : index + 4], "little") for index in range(0, len(table), 4)
        ]
        self._nodes: dict[int, Node] = {}
        self._xattr_sets: dict[int, Xattrs] = {}
        self._xattr_table: Optional[tuple[int, bytes]] = None
        self.places: list[_Place] = []

    def root(self) -> Directory:
        node = self._node(self._blocks.super.root >> 16, self._blocks.super.root & 0xFFFF, 0)
        if not isinstance(node, Directory):
            raise self._blocks.bad("a root that is not a directory")
        return node

    def _node(self, block: int, offset: int, depth: int) -> Node:
        check(depth, self._budget.limits.depth, "levels of directories")
        cursor = Cursor(self._blocks, self._blocks.super.inode_table + block, offset)
        kind, mode, uid, gid, mtime, number = cursor.numbers("<HHHHII")
        if number in self._nodes:
            node = self._nodes[number]
            if isinstance(node, Directory):
                raise self._blocks.bad("a directory with two names")
            return node
        if max(uid, gid) >= len(self._ids):
            raise self._blocks.bad("an owner that its table does not know")
        metadata = Metadata(mode & 0o7777, self._ids[uid], self._ids[gid], mtime)
        basic = kind - _EXTENDED if kind > _EXTENDED else kind
        if basic == 1:
            return self._directory(cursor, kind != basic, metadata, number, depth)
        node = self._leaf(cursor, basic, kind != basic, metadata)
        self._nodes[number] = node
        return node

    def _directory(
        self, cursor: Cursor, extended: bool, metadata: Metadata, number: int, depth: int
    ) -> Directory:
        xattr = _NO_XATTR
        if extended:
            _, size, start, _, _, offset, xattr = cursor.numbers("<IIIIHHI")
        else:
            start, _, size, offset, _ = cursor.numbers("<IIHHI")
        directory = Directory(metadata._replace(xattrs=self._xattrs(xattr)))
        self._nodes[number] = directory
        if size <= 3:  # the size counts . and .. as three bytes
            return directory
        listing = Cursor(self._blocks, self._blocks.super.directory_table + start, offset)
        left = size - 3
        while left > 0:
            count, block, _ = listing.numbers("<III")
            left -= 12
            for _ in range(count + 1):
                inode, _, _, length = listing.numbers("<HhHH")
                name = listing.read(length + 1)
                left -= 8 + len(name)
                if (
                    left < 0
                    or name in (b".", b"..")
                    or b"/" in name
                    or b"\0" in name
                    or name in directory.entries
                ):
                    raise self._blocks.bad("a directory with impossible names")
                self._budget.add_entry(len(name))
                directory.entries[name] = self._node(block, inode, depth + 1)
        return directory

    def _leaf(self, cursor: Cursor, kind: int, extended: bool, metadata: Metadata) -> Node:
        if kind == 2:
            return self._file(cursor, extended, metadata)
        if kind == 3:
            _, size = cursor.numbers("<II")
            check(size, _MAX_SYMLINK_BYTES, "bytes in the target of a link")
            target = cursor.read(size)
            return Symlink(self._with_xattrs(cursor, extended, metadata._replace(mode=0o777)), target)
        if kind in (4, 5):
            _, device = cursor.numbers("<II")
            major, minor = device >> 8 & 0xFFF, device & 0xFF | device >> 12 & ~0xFF
            return DeviceNode(self._with_xattrs(cursor, extended, metadata), kind == 4, major, minor)
        if kind in (6, 7):
            cursor.numbers("<I")
            return (Fifo if kind == 6 else Socket)(self._with_xattrs(cursor, extended, metadata))
        raise self._blocks.bad(f"an inode of type {kind}")

    def _with_xattrs(self, cursor: Cursor, extended: bool, metadata: Metadata) -> Metadata:
        return metadata._replace(xattrs=self._xattrs(cursor.numbers("<I")[0])) if extended else metadata

    def _file(self, cursor: Cursor, extended: bool, metadata: Metadata) -> File:
        if extended:
            start, size, _, _, fragment, offset, xattr = cursor.numbers("<QQQIIII")
            metadata = metadata._replace(xattrs=self._xattrs(xattr))
        else:
            start, fragment, offset, size = cursor.numbers("<IIII")
        self._budget.add_bytes(size)
        block = self._blocks.super.block_size
        count = size // block if fragment != _NO_FRAGMENT else -(-size // block)
        self._budget.add_entry(4 * count)
        self.places.append(_Place(start, cursor.numbers(f"<{count}I"), fragment, offset))
        return File(metadata, size, Stored(0, len(self.places) - 1))

    def _xattrs(self, index: int) -> Xattrs:
        if index == _NO_XATTR:
            return ()
        if index not in self._xattr_sets:
            self._xattr_sets[index] = tuple(sorted(self._read_xattrs(index)))
        return self._xattr_sets[index]

    def _read_xattrs(self, index: int) -> Iterator[tuple[bytes, bytes]]:
        blocks = self._blocks
        if self._xattr_table is None:
            self._xattr_table = self._read_xattr_table()
        start, table = self._xattr_table
        if 16 * index >= len(table):
            raise blocks.bad("extended attributes that its table does not know")
        reference = int.from_bytes(table[16 * index : 16 * index + 8], "little")
        pairs = int.from_bytes(table[16 * index + 8 : 16 * index + 12], "little")
        cursor = Cursor(blocks, start + (reference >> 16), reference & 0xFFFF)
        for _ in range(pairs):
            kind, length = cursor.numbers("<HH")
            if kind & 0xFF >= len(PREFIXES):
                raise blocks.bad("an extended attribute of an unknown kind")
            name = PREFIXES[kind & 0xFF] + cursor.read(length)
            value = self._value(cursor)
            if kind & _OUT_OF_LINE:
                where = int.from_bytes(value[:8], "little")
                value = self._value(Cursor(blocks, start + (where >> 16), where & 0xFFFF))
            self._budget.add_entry(len(name) + len(value))
            yield name, value

    def _read_xattr_table(self) -> tuple[int, bytes]:
        """Where the attributes begin, and their table."""
        position = self._blocks.super.xattr_table
        if position == NONE:
            raise self._blocks.bad("extended attributes and no table of them")
        start, count = self._blocks.raw(position, "<QI")
        return start, self._blocks.table(position + 16, count, 16)

    def _value(self, cursor: Cursor) -> bytes:
        (size,) = cursor.numbers("<I")
        check(size, self._budget.limits.xattr_bytes, "bytes in one extended attribute")
        return cursor.read(size)


class Contents:
    """The Source of the tree: its Stored offsets count the places."""

    def __init__(self, path: PathIn, places: Sequence[_Place]) -> None:
        self._path = path
        self._places = places

    def cheapest(self, files: Sequence[File]) -> list[File]:
        """The files in the order in which no block of fragments is unpacked twice."""
        places = {id(file): self._place(file) for file in files}
        return sorted(files, key=lambda file: (places[id(file)].fragment, places[id(file)].start))

    def piece(self, file: File, start: int, size: int) -> bytes:
        """``size`` bytes of a file from ``start``, fewer at its end. Only their blocks are unpacked."""
        place = self._place(file)
        with open(self._path, "rb") as stream:
            blocks = Blocks(stream, what=str(self._path))
            block = blocks.super.block_size
            first, last = start // block, (start + size - 1) // block
            skipped = sum(word & 0xFFFFFF for word in place.sizes[:first])
            whole = place._replace(start=place.start + skipped, sizes=place.sizes[first : last + 1])
            ends = place.fragment != _NO_FRAGMENT and last >= len(place.sizes)
            end = file.size if ends else min(file.size, (last + 1) * block)
            fragment = _fragment(blocks, _fragments(blocks), place.fragment) if ends else b""
            spans = _spans(blocks, whole, max(0, end - first * block), fragment)
            data = b"".join(chunk[start:end] for chunk, start, end in spans)
        return data[start - first * block :][:size]

    def _place(self, file: File) -> _Place:
        assert isinstance(file.content, Stored)
        return self._places[file.content.offset]

    def contents(self, files: Sequence[File]) -> Iterator[tuple[File, Iterator[Span]]]:
        """The files with their bytes."""
        with open(self._path, "rb") as stream:
            blocks = Blocks(stream, what=str(self._path))
            fragments = _fragments(blocks)
            last: tuple[int, bytes] = (_NO_FRAGMENT, b"")
            for file in files:
                place = self._place(file)
                if place.fragment != _NO_FRAGMENT and place.fragment != last[0]:
                    last = place.fragment, _fragment(blocks, fragments, place.fragment)
                yield file, _spans(blocks, place, file.size, last[1])


def _fragments(blocks: Blocks) -> bytes:
    head = blocks.super
    return blocks.table(head.fragment_table, head.fragment_count, 16) if head.fragment_count else b""


def _fragment(blocks: Blocks, table: bytes, index: int) -> bytes:
    entry = table[16 * index : 16 * index + 16]
    if len(entry) < 16:
        raise blocks.bad("a fragment that its table does not know")
    start, word = int.from_bytes(entry[:8], "little"), int.from_bytes(entry[8:12], "little")
    return blocks.data(start, word, blocks.super.block_size)


def _spans(blocks: Blocks, place: _Place, size: int, fragment: bytes) -> Iterator[Span]:
    position, left = place.start, size
    for word in place.sizes:
        wanted = min(left, blocks.super.block_size)
        left -= wanted
        if word == 0:
            yield from zeros(wanted)
            continue
        chunk = blocks.data(position, word, blocks.super.block_size)
        position += word & 0xFFFFFF
        if len(chunk) != wanted:
            raise blocks.bad("a block of the wrong length")
        yield chunk, 0, wanted
    if left:
        if place.offset + left > len(fragment):
            raise blocks.bad("a fragment that is too short")
        yield fragment, place.offset, place.offset + left
