# SPDX-License-Identifier: MIT
"""Identifiers of a disk made a unit's own: those of the disk, its partitions and its file systems.

Boot loader and device find their storage by its label, and the device then by the identifier that the boot
loader read from the table, so nothing has to know the new ones. Where a boot file names an old one, they
cannot change.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from .. import disk
from ..errors import FormatError
from ..readers import Opened

SECTOR = 512
MAX_SEARCHED = 256 * 1024 * 1024  # bytes of boot files
_SIGNATURE = b"EFI PART"


def personalise(image: Path, found: Opened, serial: str, *, epoch: int) -> None:
    """Change all of them in place to what follows from the old ones and the serial number; ``epoch`` is the
    time of the change, in seconds since 1970.

    Raises FormatError where a boot file names one, or where the table is not whole.
    """
    start = found.contents.storage_start
    assert start is not None
    old = disk.storage_identity(image, start)
    _check_unnamed(image, found, old)
    with open(image, "rb", buffering=0) as stream:
        tables = _tables(stream.fileno())
    disk.name_storage(image, start, _own(old, serial), epoch=epoch)
    with open(image, "r+b", buffering=0) as stream:
        for partition in found.contents.partitions:
            _name_fat(stream.fileno(), partition.start, serial)
        for table in tables:
            _name_gpt(stream.fileno(), table, serial)
        if not tables:
            _rewrite(stream.fileno(), 440, serial)
        os.fsync(stream.fileno())


def _own(old: UUID, serial: str) -> UUID:
    digest = bytearray(hashlib.sha256(b"pantavisor unit 1\0" + old.bytes + serial.encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))


def _check_unnamed(image: Path, found: Opened, storage: UUID) -> None:
    words = {str(storage), *(part.identity for part in found.contents.partitions if part.identity)}
    with open(image, "rb", buffering=0) as stream:
        header = os.pread(stream.fileno(), SECTOR, SECTOR)
    if header[:8] == _SIGNATURE:
        words.add(str(UUID(bytes_le=header[56:72])))
    for place, text in _boot_texts(found):
        for word in sorted(words):
            if word.encode() in text:
                raise FormatError(
                    f"{place} names {word}, so the identifiers of this image cannot change",
                    hint="leave out --identities, or change it to find its storage by label",
                )


def _boot_texts(found: Opened) -> Iterator[tuple[str, bytes]]:
    left = MAX_SEARCHED
    for boot in found.contents.boots:
        for path, file in sorted(boot.files.items()):
            left -= file.size
            if left < 0:
                raise FormatError(f"the boot files have more than {MAX_SEARCHED} bytes, too many to search")
            yield path, boot.content(file).lower()


def _name_fat(descriptor: int, start: int, serial: str) -> None:
    """The serial number of a FAT file system, in its boot sector and in the copy of FAT32."""
    boot = os.pread(descriptor, SECTOR, start)
    if boot[510:] != b"\x55\xaa" or boot[0] not in (0xE9, 0xEB) or boot[16] not in (1, 2):
        return
    is_large = struct.unpack_from("<H", boot, 22)[0] == 0
    at = 67 if is_large else 39
    if boot[at - 1] != 0x29:  # the signature of what follows
        return
    number = _rewrite(descriptor, start + at, serial)
    (copy,) = struct.unpack_from("<H", boot, 50)
    if is_large and 0 < copy < 32:
        os.pwrite(descriptor, number, start + copy * SECTOR + at)


def _rewrite(descriptor: int, at: int, serial: str) -> bytes:
    """Four bytes that follow from those that are replaced."""
    old = os.pread(descriptor, 4, at)
    new = hashlib.sha256(b"pantavisor unit 1\0" + old + serial.encode()).digest()[:4]
    os.pwrite(descriptor, new, at)
    return new


@dataclass(frozen=True)
class _Table:
    """A GUID partition table as it is: where its header and its entries are, and the bytes of both."""

    header_at: int
    header: bytes
    entries_at: int
    entries: bytes
    step: int


def _tables(descriptor: int) -> list[_Table]:
    """The copy first, so that there is a whole one at any time; none where the disk has another kind."""
    primary = os.pread(descriptor, SECTOR, SECTOR)
    if primary[:8] != _SIGNATURE:
        return []
    (backup,) = struct.unpack_from("<Q", primary, 32)
    return [_table(descriptor, sector) for sector in (backup, 1)]


def _table(descriptor: int, sector: int) -> _Table:
    header = _whole(descriptor, sector * SECTOR, SECTOR)
    (length,) = struct.unpack_from("<I", header, 12)
    at, count, step = struct.unpack_from("<QII", header, 72)
    if header[:8] != _SIGNATURE or not 92 <= length <= SECTOR or count > 1024 or not 128 <= step <= 4096:
        raise _no_copy()
    return _Table(sector * SECTOR, header, at * SECTOR, _whole(descriptor, at * SECTOR, count * step), step)


def _whole(descriptor: int, at: int, length: int) -> bytes:
    if at + length > os.lseek(descriptor, 0, os.SEEK_END):
        raise _no_copy()
    return os.pread(descriptor, length, at)


def _no_copy() -> FormatError:
    return FormatError("the partition table has no whole copy", hint="flash the disk again")


def _name_gpt(descriptor: int, table: _Table, serial: str) -> None:
    header, entries = bytearray(table.header), bytearray(table.entries)
    for at in range(0, len(entries), table.step):
        if any(entries[at : at + 16]):
            _exchange(entries, at + 16, serial)
    _exchange(header, 56, serial)
    (length,) = struct.unpack_from("<I", header, 12)
    struct.pack_into("<I", header, 88, zlib.crc32(entries))
    struct.pack_into("<I", header, 16, 0)
    struct.pack_into("<I", header, 16, zlib.crc32(header[:length]))
    os.pwrite(descriptor, entries, table.entries_at)
    os.pwrite(descriptor, header, table.header_at)


def _exchange(raw: bytearray, at: int, serial: str) -> None:
    raw[at : at + 16] = _own(UUID(bytes_le=bytes(raw[at : at + 16])), serial).bytes_le
