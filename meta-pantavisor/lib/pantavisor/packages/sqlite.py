# SPDX-License-Identifier: MIT
"""One table of an SQLite database, from its bytes (the file format of sqlite.org, sections 1 and 2).

The library of SQLite wants a file, and obeys views and triggers of it: a database of others is read here
instead. Each page is visited once, and rows together have no more bytes than the database, so it costs no
more than its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from ..errors import FormatError

MAGIC = b"SQLite format 3\0"
MAX_DEPTH = 20  # of a tree of pages
_LEAF, _INTERIOR = 0x0D, 0x05
_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)  # by serial type

Value = Union[None, int, bytes]


class Database:
    """Raises FormatError for whatever is not as it must be."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(MAGIC) or len(data) < 100:
            raise FormatError("it is not an SQLite database")
        size = int.from_bytes(data[16:18], "big")
        self._data = data
        self._page_bytes = 65536 if size == 1 else size
        self._usable = self._page_bytes - data[20]
        if self._page_bytes < 512 or self._page_bytes & (self._page_bytes - 1) or self._usable < 480:
            raise FormatError("it is an SQLite database with an impossible size of pages")
        self._visited: set[int] = set()
        self._left = len(data)  # bytes that rows may still have

    def rows(self, table: str) -> Iterator[list[Value]]:
        """The rows of a table, texts as bytes; none where there is no such table. Raises FormatError."""
        for kind, name, _, root, *_ in self._checked(self._tree(1, 0)):
            if kind == b"table" and name == table.encode() and isinstance(root, int):
                yield from self._tree(root, 0)
                return

    def _checked(self, schema: Iterator[list[Value]]) -> Iterator[list[Value]]:
        for row in schema:
            if len(row) < 5:
                raise FormatError("it has a damaged schema")
            yield row

    def _page(self, number: int) -> bytes:
        start = (number - 1) * self._page_bytes
        if number < 1 or number in self._visited or start + self._page_bytes > len(self._data):
            raise FormatError(f"it refers to page {number} twice, or has no such page")
        self._visited.add(number)
        return self._data[start : start + self._page_bytes]

    def _tree(self, number: int, depth: int) -> Iterator[list[Value]]:
        if depth > MAX_DEPTH:
            raise FormatError("its pages are nested too deep")
        page = self._page(number)
        head = 100 if number == 1 else 0
        kind, count = page[head], int.from_bytes(page[head + 3 : head + 5], "big")
        if kind not in (_LEAF, _INTERIOR):
            raise FormatError(f"page {number} is not one of a table")
        start = head + (8 if kind == _LEAF else 12)
        if start + 2 * count > len(page):
            raise FormatError(f"page {number} is damaged")
        for index in range(start, start + 2 * count, 2):
            cell = int.from_bytes(page[index : index + 2], "big")
            if kind == _LEAF:
                yield _record(self._payload(page, cell))
            else:
                yield from self._tree(int.from_bytes(page[cell : cell + 4], "big"), depth + 1)
        if kind == _INTERIOR:
            yield from self._tree(int.from_bytes(page[head + 8 : head + 12], "big"), depth + 1)

    def _payload(self, page: bytes, at: int) -> bytes:
        """The payload of a cell, what did not fit its page from the chain of overflow pages."""
        size, at = _varint(page, at)
        _, at = _varint(page, at)
        self._left -= size
        if self._left < 0:
            raise FormatError("it has rows that overlap, or one longer than itself")
        most, least = self._usable - 35, (self._usable - 12) * 32 // 255 - 23
        local = size
        if size > most:
            local = least + (size - least) % (self._usable - 4)
            local = local if local <= most else least
        pieces = [page[at : at + local]]
        left, following = size - local, int.from_bytes(page[at + local : at + local + 4], "big")
        while left > 0:
            more = self._page(following)
            following = int.from_bytes(more[:4], "big")
            pieces.append(more[4 : min(self._usable, 4 + left)])
            left -= len(pieces[-1])
        return b"".join(pieces)


def _record(payload: bytes) -> list[Value]:
    end, at = _varint(payload, 0)
    values: list[Value] = []
    place = end
    while at < end:
        kind, at = _varint(payload, at)
        size = _INTEGER_BYTES[kind] if kind < 10 else (kind - 12) // 2
        value = payload[place : place + size]
        if kind in (10, 11) or len(value) != size:
            raise FormatError("it has a damaged row")
        place += size
        if kind >= 12:
            values.append(value)
        elif kind in (8, 9):
            values.append(kind - 8)
        else:
            values.append(int.from_bytes(value, "big") if 0 < kind < 7 else None)
    return values


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of up to nine bytes, and where it ends."""
    number = 0
    for count in range(9):
        if at >= len(data):
            raise FormatError("it has a number that is cut off")
        byte = data[at]
        at += 1
        if count == 8:
            return number << 8 | byte, at
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return number, at
