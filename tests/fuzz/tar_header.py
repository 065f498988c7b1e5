# SPDX-License-Identifier: MIT
"""Headers of tar archives with all that extends them, one after the other.

The first byte of an input decides: odd, and the checksums of the rest are put right first.
"""

from __future__ import annotations

import io

from pantavisor.errors import PantavisorError
from pantavisor.tar import BLOCK, HeaderReader, padded
from sim.headers import header, mutated, pax, record
from sim.layers import with_checksums

MAX_EXTENDED_BYTES = 4096
MAX_HEADERS = 1000
WORDS = (
    "ustar", "ustar  ", "././@LongLink", "path=", "linkpath=", "size=", "comment=", "GNU.sparse.name=",
    "GNU.sparse.offset=", "GNU.sparse.numbytes=", "GNU.sparse.map=", "SCHILY.xattr.", "mtime=", "uid=",
)  # fmt: skip


class _Full(PantavisorError):
    """As many headers as are read of one input."""


def one_input(content: bytes) -> None:
    """Read every header twice; contents are passed over."""
    if content:
        data = with_checksums(content[1:]) if content[0] & 1 else content[1:]
        assert _read(data) == _read(data)


def _read(data: bytes) -> list[tuple[bytes, bytes, bytes, int]]:
    found: list[tuple[bytes, bytes, bytes, int]] = []
    counted = []

    def count() -> None:
        counted.append(1)
        if len(counted) > MAX_HEADERS:
            raise _Full("full")

    stream = io.BytesIO(data)
    reader = HeaderReader(stream.read, max_bytes=MAX_EXTENDED_BYTES, what="x", count=count)
    try:
        while (member := reader.next()) is not None:
            count()
            assert member.size >= 0 and len(member.block) == BLOCK and len(member.kind) == 1
            assert len(member.name) <= MAX_EXTENDED_BYTES and len(member.target) <= MAX_EXTENDED_BYTES
            assert all(member.records)
            found.append((member.kind, member.name, member.target, member.size))
            stream.seek(min(stream.tell() + padded(member.size), len(data)))
    except PantavisorError:
        pass
    return found


def seeds() -> dict[str, bytes]:
    found = {f"mutated{number}": b"\1" + data for number, data in enumerate(mutated(20, seed=1))}
    long_name = header("././@LongLink", size=b"%011o\0" % 6, at156=b"L") + b"other\0".ljust(BLOCK, b"\0")
    sparse = record("GNU.sparse.offset", "0") + record("GNU.sparse.numbytes", "5")
    found["plain"] = b"\0" + header() + bytes(BLOCK) + header("second", size=b"00000000000\0")
    found["long"] = b"\0" + long_name + header()
    found["global"] = b"\0" + pax(record("comment", "a"), b"g") + header(size=b"00000000000\0") + header()
    found["sparse"] = b"\0" + pax(sparse) + header()
    found["base256"] = b"\0" + header("x", size=b"\x80" + bytes(10) + b"\x05")
    return found
