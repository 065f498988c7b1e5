# SPDX-License-Identifier: MIT
"""A tar member's header with all that extends it: GNU long names, pax records of one member and of all that
follow.

Names stay bytes, and every number that a hostile header may hold is bounded by who asks for it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple, Optional

from ..errors import FormatError, LimitError
from . import pax
from .numbers import decimal, number

BLOCK = 512
_ZERO_BLOCK = bytes(BLOCK)


class Header(NamedTuple):
    """One member. ``block`` is the header as it is stored, ``records`` the pax records that apply."""

    kind: bytes
    name: bytes
    target: bytes
    size: int
    block: bytes
    records: Mapping[bytes, bytes]


class HeaderReader:
    """Reads headers by ``read(size)``, which gives the next bytes, fewer at the end.

    One extended header has at most ``max_bytes``; ``count`` hears of each, and may raise. ``what`` names
    the archive.
    """

    def __init__(
        self, read: Callable[[int], bytes], *, max_bytes: int, what: str, count: Callable[[], None]
    ) -> None:
        self._read = read
        self._max_bytes = max_bytes
        self._what = what
        self._count = count
        self._global: dict[bytes, bytes] = {}

    def next(self) -> Optional[Header]:
        """The next header, or None at the end of the archive. Raises FormatError and LimitError."""
        extended: dict[bytes, bytes] = {}
        while (block := self._block()) is not None:
            kind = block[156:157]
            if kind not in b"xgXLKV":
                if self._global:
                    extended = {**self._global, **extended}
                return self._apply(kind, block, extended)
            self._extend(kind, number(block[124:136]), extended)
        return None

    def _block(self) -> Optional[bytes]:
        block = self._read(BLOCK)
        if len(block) < BLOCK or block == _ZERO_BLOCK:
            return None
        _check_sum(block, self._what)
        return block

    def _extend(self, kind: bytes, size: int, extended: dict[bytes, bytes]) -> None:
        if size < 0:
            raise FormatError(f"{self._what} has a header of negative size")
        if size > self._max_bytes:
            raise LimitError(
                f"{self._what} has {size} bytes in one extended header, "
                f"more than the {self._max_bytes} allowed"
            )
        content = self._read(padded(size))[:size]
        if len(content) < size:
            raise FormatError(f"{self._what} ends in the middle of a header")
        if kind in b"LK":
            extended[b"path" if kind == b"L" else b"linkpath"] = _text(content)
        elif kind in b"xX":
            extended.update(pax.parse(content, what=self._what))
        elif kind == b"g":
            self._global.update(pax.parse(content, what=self._what))
        self._count()

    def _apply(self, kind: bytes, block: bytes, records: Mapping[bytes, bytes]) -> Header:
        if records:
            name = records.get(b"GNU.sparse.name") or records.get(b"path") or _name(block)
            target = records.get(b"linkpath") or _text(block[157:257])
            size = decimal(records[b"size"]) if records.get(b"size") else number(block[124:136])
        else:  # as nearly always
            name, target, size = _name(block), _text(block[157:257]), number(block[124:136])
        if size < 0:
            raise FormatError(f"{self._what} has the member {show(name)} of negative size")
        if kind in b"\0" and name.endswith(b"/"):
            kind = b"5"  # before POSIX a directory was a file with a slash
        return Header(kind, name, target, size, block, records)


def padded(size: int) -> int:
    """What ``size`` bytes take up in whole blocks."""
    return -(-size // BLOCK) * BLOCK


def show(text: bytes) -> str:
    """A name for people."""
    return '"' + text[:200].decode("utf-8", "backslashreplace") + ("..." if len(text) > 200 else "") + '"'


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _name(block: bytes) -> bytes:
    name = _text(block[:100])
    # GNU's magic is "ustar  "; it keeps times where POSIX keeps the start of a long name, star keeps both.
    if not block[345] or block[257:263] != b"ustar\0":
        return name
    prefix = _text(block[345:476] if block[508:512] == b"tar\0" else block[345:500])
    return prefix + b"/" + name if prefix else name


def _check_sum(block: bytes, what: str) -> None:
    field = block[148:156]
    # Adler-32 has the sum of the bytes, and one, in its lower half: exact where none is above 127.
    total = (zlib.adler32(block) & 0xFFFF) - 1 if block.isascii() else sum(block)
    total += 8 * 0x20 - sum(field)
    if field == b"%06o\0 " % total:  # as nearly all write it
        return
    stated = number(field)
    if stated == total:
        return
    # Some old writers summed signed bytes.
    rest = block[:148] + block[156:]
    if stated != sum(rest) - 256 * sum(byte > 127 for byte in rest) + 8 * 0x20:
        raise FormatError(f"{what} has a header whose checksum is wrong; it is damaged or not a tar")
