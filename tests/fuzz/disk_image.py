# SPDX-License-Identifier: MIT
"""The verifier's readers of disk images: partition table, FAT, ext4, with the content of every file.

An input is a kind (0 a partition table whose checksums are put right first, 1 FAT, 2 ext4), the size of the
image in KiB (two bytes, little-endian), and pieces of it: where (in 16 bytes, four bytes), how long (two
bytes), and the bytes. What no piece fills is zeros, so that an image of some MiB is an input of some KiB.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable
from itertools import islice
from uuid import UUID

from pantavisor.disk import gpt as tables
from pantavisor.errors import PantavisorError
from pantavisor.readers import Findings, Reader, gpt
from pantavisor.readers.ext4 import Ext4
from pantavisor.readers.fat import Fat

MAX_KIB = 4096
MAX_CHUNKS = 64  # of all files together: each may claim to be as large as the image
_HEAD, _PIECE = struct.Struct("<BH"), struct.Struct("<IH")


def one_input(content: bytes) -> None:
    if len(content) < _HEAD.size:
        return
    kind, size = _HEAD.unpack_from(content)
    image = bytearray(size % (MAX_KIB + 1) * 1024)
    _lay(image, content[_HEAD.size :])
    if kind % 3 == 0:
        _fix_checksums(image, 1)
        _fix_checksums(image, len(image) // gpt.SECTOR - 1)
    descriptor = os.memfd_create("image")
    try:
        os.write(descriptor, image)
        _read(kind % 3, Reader(descriptor, 0, len(image)))
    except PantavisorError:
        pass
    finally:
        os.close(descriptor)


def _read(kind: int, image: Reader) -> None:
    findings = Findings()
    if kind == 0:
        for partition in gpt.read(image, findings):
            window = image.window(partition.start, partition.size)
            assert len(window.pread(1, 0)) <= 1
    elif kind == 1:
        fat = Fat(image, findings, "boot")
        _drain(chunk for file in fat.files.values() for chunk in fat.chunks(file))
    else:
        ext4 = Ext4(image, findings, "storage")
        for entry in islice(ext4.entries.values(), MAX_CHUNKS):
            try:
                _drain(ext4.chunks(entry))
            except PantavisorError:
                pass


def _drain(chunks: Iterable[bytes]) -> None:
    for _ in islice(chunks, MAX_CHUNKS):
        pass


def _lay(image: bytearray, content: bytes) -> None:
    while len(content) >= _PIECE.size:
        place, size = _PIECE.unpack_from(content)
        piece = content[_PIECE.size : _PIECE.size + size]
        if place * 16 + len(piece) <= len(image):
            image[place * 16 : place * 16 + len(piece)] = piece
        content = content[_PIECE.size + size :]


def _fix_checksums(image: bytearray, sector: int) -> None:
    at = sector * gpt.SECTOR
    if sector < 1 or at + gpt.SECTOR > len(image):
        return
    table, count, step = struct.unpack_from("<QII", image, at + 72)
    start = table * gpt.SECTOR
    struct.pack_into("<I", image, at + 88, zlib.crc32(image[start : start + min(count * step, len(image))]))
    length = struct.unpack_from("<I", image, at + 12)[0]
    struct.pack_into("<I", image, at + 16, 0)
    struct.pack_into("<I", image, at + 16, zlib.crc32(image[at : at + min(length, gpt.SECTOR)]))


def packed(kind: int, image: bytes) -> bytes:
    """An input that makes ``image``."""
    pieces = [_HEAD.pack(kind, len(image) // 1024)]
    start = 0
    while start < len(image):
        end = start
        while end < len(image) and end - start < 0xFF00 and any(image[end : end + 32]):
            end += 16
        if end > start:
            pieces.append(_PIECE.pack(start // 16, end - start) + image[start:end])
        start = max(end, start + 16)
    return b"".join(pieces)


def seeds() -> dict[str, bytes]:
    # The file systems are in the corpus: tools made them (see README.md).
    mebibyte, size = 1 << 20, 4 << 20
    partitions = [
        tables.Partition("boot", tables.EFI_SYSTEM, UUID(int=1), mebibyte, mebibyte),
        tables.Partition("storage", tables.LINUX_DATA, UUID(int=2), 2 * mebibyte, mebibyte),
    ]
    table = tables.render(partitions, disk=UUID(int=3), size=size)
    image = bytearray(size)
    image[: len(table.head)] = table.head
    image[-len(table.tail) :] = table.tail
    return {"table": packed(0, bytes(image))}
