# SPDX-License-Identifier: MIT
"""Tar headers by hand, and such as differ from right ones in a few bytes."""

from __future__ import annotations

import random
import tarfile
from collections.abc import Iterator

BLOCK = 512
SIZE = slice(124, 136)
_FIELDS = ((0, 100), (100, 124), (124, 136), (136, 148), (156, 157), (157, 257), (257, 265), (345, 500))
_BYTES = b"\0 0123456789789/.abcx+-_ \x80\xff\xc3\xa4LKxg5712"


def summed(block: bytes, *, signed: bool = False) -> bytes:
    """The header with the checksum that belongs to it."""
    total = sum(block[:148]) + sum(block[156:]) + 8 * 32
    if signed:
        total -= 256 * sum(byte > 127 for byte in block[:148] + block[156:])
    return block[:148] + b"%06o\0 " % total + block[156:]


def header(name: str = "name", *, size: bytes = b"00000000005\0", **members: bytes) -> bytes:
    """A file's header; ``at156=b"7"`` replaces bytes at an offset."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT))
    block[SIZE] = size
    for place, value in members.items():
        start = int(place[len("at") :])
        block[start : start + len(value)] = value
    return summed(bytes(block))


def pax(text: bytes, kind: bytes = b"x") -> bytes:
    """An extended header."""
    head = header("pax", size=b"%011o\0" % len(text), at156=kind)
    return head + text.ljust(-(-len(text) // BLOCK) * BLOCK, b"\0")


def record(keyword: str, value: str) -> bytes:
    body = f" {keyword}={value}\n".encode()
    length = next(n for n in range(len(body), len(body) + 9) if len(str(n)) + len(body) == n)
    return str(length).encode() + body


def mutated(count: int, *, seed: int) -> Iterator[bytes]:
    """Headers of members whose checksum is right and in which a few bytes of one or two fields are not."""
    chance = random.Random(seed)
    starts = [
        header("some/name"),
        header("x", size=b"\x80" + bytes(10) + b"\x05"),
        header("long", at345=b"a/prefix"),
        pax(record("path", "other/name") + record("size", "5")) + header(size=b"00000000000\0"),
        header("././@LongLink", size=b"%011o\0" % 6, at156=b"L")
        + b"other\0".ljust(BLOCK, b"\0")
        + header(),
        header("link", size=b"00000000000\0", at156=b"2", at157=b"target"),
    ]
    for _ in range(count):
        blocks = bytearray(chance.choice(starts))
        at = BLOCK * chance.randrange(len(blocks) // BLOCK)
        for _ in range(chance.randrange(1, 3)):
            first, last = chance.choice(_FIELDS)
            for _ in range(chance.randrange(1, 4)):
                blocks[at + chance.randrange(first, last)] = chance.choice(_BYTES)
        if at in (0, len(blocks) - BLOCK):
            blocks[at : at + BLOCK] = summed(bytes(blocks[at : at + BLOCK]))
        yield bytes(blocks)
