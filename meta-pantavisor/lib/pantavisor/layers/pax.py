# SPDX-License-Identifier: MIT
"""Extended headers of a tar: pax records (POSIX.1-2001), and the extended attributes that tar programs keep in them.

A record is ``<length> <keyword>=<value>\\n`` where length counts the whole record.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Optional
from urllib.parse import unquote_to_bytes

from ..errors import FormatError
from .limits import Limits, check
from .tree import Xattrs

MAX_RECORDS = 65_536
_SPARSE_PIECES = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
_SCHILY = b"SCHILY.xattr."
_LIBARCHIVE = b"LIBARCHIVE.xattr."
_MAX_XATTR_NAME_BYTES = 255


def parse(data: bytes, *, what: str) -> dict[bytes, bytes]:
    """The records of one extended header; of equal keywords the last counts.

    The sparse format 0.0 repeats a pair of keywords for each piece; it is given back as format 0.1 writes it.
    """
    records: dict[bytes, bytes] = {}
    pieces: list[bytes] = []
    for count, (keyword, value) in enumerate(_records(data, what)):
        check(count + 1, MAX_RECORDS, "records in one pax header")
        if keyword in _SPARSE_PIECES:
            if keyword != _SPARSE_PIECES[len(pieces) % 2]:
                raise FormatError(f"{what} has a sparse map out of order")
            pieces.append(value)
        else:
            records[keyword] = value
    if pieces:
        records[b"GNU.sparse.map"] = b",".join(pieces)
    return records


def _records(data: bytes, what: str) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    # Some writers fill the rest of the block with zeros and count them in.
    while position < len(data) and data[position] != 0:
        space = data.find(b" ", position, position + 21)
        digits = data[position:space] if space >= 0 else b""
        end = position + int(digits) if digits.isdigit() else 0
        if not position < space < end <= len(data) or data[end - 1] != 0x0A:
            raise FormatError(f"{what} has a pax record of impossible length")
        keyword, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not equals or not keyword:
            raise FormatError(f"{what} has a pax record without keyword")
        yield keyword, value
        position = end


def xattrs(records: Mapping[bytes, bytes], limits: Limits, *, what: str) -> Xattrs:
    """The extended attributes in ``records``, sorted by name. Where two programs' forms disagree SCHILY's counts."""
    found: dict[bytes, bytes] = {}
    for keyword, value in records.items():
        # Go reads none of these, so that a broken one has never kept an image from running.
        if keyword.startswith(_LIBARCHIVE) and (decoded := _base64(value)) is not None:
            found.setdefault(unquote_to_bytes(keyword[len(_LIBARCHIVE) :]), decoded)
    for keyword, value in records.items():
        # POSIX: a record without a value takes back what another said, so it is none itself.
        if keyword.startswith(_SCHILY) and value:
            found[keyword[len(_SCHILY) :]] = value
    for name, value in found.items():
        if not name or len(name) > _MAX_XATTR_NAME_BYTES or b"\0" in name:
            raise FormatError(f"{what} has an extended attribute with an impossible name")
        check(len(value), limits.xattr_bytes, "bytes in one extended attribute")
    return tuple(sorted(found.items()))


def _base64(value: bytes) -> Optional[bytes]:
    try:
        # libarchive writes it without padding
        return base64.b64decode(value.rstrip(b"=") + b"=" * (-len(value.rstrip(b"=")) % 4), validate=True)
    except binascii.Error:
        return None
