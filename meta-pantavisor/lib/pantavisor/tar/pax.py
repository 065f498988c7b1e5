# SPDX-License-Identifier: MIT
"""Extended headers of a tar: pax records (POSIX.1-2001).

A record is ``<length> <keyword>=<value>\\n`` where length counts the whole record.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import FormatError, LimitError

MAX_RECORDS = 65_536
_SPARSE_PIECES = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")


def parse(data: bytes, *, what: str) -> dict[bytes, bytes]:
    """The records of one extended header; of equal keywords the last counts.

    The sparse format 0.0 repeats a pair of keywords for each piece;
    it is given back as format 0.1 writes it.

    Raises FormatError and LimitError.
    """
    records: dict[bytes, bytes] = {}
    pieces: list[bytes] = []
    for count, (keyword, value) in enumerate(_records(data, what)):
        if count == MAX_RECORDS:
            raise LimitError(f"{what} has more than {MAX_RECORDS} records in one pax header")
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
