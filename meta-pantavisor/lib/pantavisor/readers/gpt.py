# SPDX-License-Identifier: MIT
"""Reading a GUID partition table: both headers, both tables, their checksums,
and whether the partitions make sense.

Source: UEFI specification 2.10, chapter 5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional
from uuid import UUID

from .findings import Findings
from .partition import SECTOR, Partition, check_order
from .target import Reader

SIGNATURE = b"EFI PART"
MIN_ENTRY_BYTES, MAX_ENTRY_BYTES = 128, 4096
MAX_ENTRIES = 1024
_WHERE = "partition table"
# Not bootable; cylinder, head and sector, which nothing reads, in the spellings of UEFI, sgdisk and parted.
_MBR_STARTS = (b"\0\0\2\0", b"\0\0\1\0")
_MBR_ENDS = (b"\xff\xff\xff", b"\xfe\xff\xff")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_FIELDS = ("type", "guid", "start", "end", "flags", "name")


@dataclass(frozen=True)
class _Header:
    """``whole``: the entries have the checksum that the header gives."""

    own: int
    other: int
    first: int
    last: int
    disk: UUID
    table: int
    entries: bytes
    whole: bool


def read(image: Reader, findings: Findings) -> tuple[Partition, ...]:
    """The partitions of ``image``, by the primary table or, where that is broken, by the backup."""
    sectors = image.size // SECTOR
    _check_mbr(image, sectors, findings)
    primary = _header(image, 1, "primary", findings)
    backup = _header(image, sectors - 1, "backup", findings)
    _compare(primary, backup, sectors, findings)
    header = next((header for header in (primary, backup) if header is not None and header.whole), None)
    if header is None:
        return ()
    partitions = _partitions(header)
    _check_partitions(partitions, header, sectors, findings)
    return partitions


def _check_mbr(image: Reader, sectors: int, findings: Findings) -> None:
    mbr = image.pread(SECTOR, 0)
    if len(mbr) < SECTOR or mbr[510:] != b"\x55\xaa":
        findings.add("gpt-mbr", _WHERE, "there is no protective MBR")
        return
    kinds = [mbr[446 + 16 * index + 4] for index in range(4)]
    start, count = struct.unpack_from("<II", mbr, 446 + 8)
    if kinds != [0xEE, 0, 0, 0] or start != 1 or count not in (min(sectors - 1, 0xFFFFFFFF), 0xFFFFFFFF):
        findings.add("gpt-mbr", _WHERE, "the protective MBR does not span the disk")
    if (
        mbr[446:450] not in _MBR_STARTS
        or mbr[451:454] not in (*_MBR_ENDS, _cylinders(sectors - 1))
        or any(mbr[462:510])
    ):
        findings.add("gpt-mbr", _WHERE, "the protective MBR has more in it than its one partition")


def _cylinders(sector: int) -> bytes:
    cylinder, rest = divmod(sector, 255 * 63)
    return (
        bytes([rest // 63, rest % 63 + 1 | cylinder >> 8 << 6, cylinder & 0xFF]) if cylinder < 1024 else b""
    )


def _header(image: Reader, sector: int, which: str, findings: Findings) -> Optional[_Header]:
    raw = image.pread(SECTOR, sector * SECTOR)
    where = f"{_WHERE}, {which}"
    if raw[:8] != SIGNATURE or len(raw) < SECTOR:
        findings.add("gpt-header", where, f"there is no header in sector {sector}")
        return None
    _, revision, length, crc, _, own, other, first, last, disk, table, count, step, table_crc = (
        struct.unpack_from("<8sIIIIQQQQ16sQIII", raw)
    )
    if revision != 0x10000 or not 92 <= length <= SECTOR:
        findings.add("gpt-header", where, "the header is of an unknown revision or length")
        return None
    if zlib.crc32(raw[:16] + bytes(4) + raw[20:length]) != crc:
        findings.add("gpt-crc", where, "the header's checksum is wrong")
        return None
    if any(raw[length:]):
        findings.add("gpt-header", where, "something follows the header in its sector")
    if own != sector:
        findings.add("gpt-header", where, f"the header in sector {sector} is that of sector {own}")
    if not (MIN_ENTRY_BYTES <= step <= MAX_ENTRY_BYTES and 0 < count <= MAX_ENTRIES):
        findings.add("gpt-header", where, f"{count} entries of {step} bytes are not plausible")
        return None
    entries = image.pread(count * step, table * SECTOR)
    whole = zlib.crc32(entries) == table_crc
    if not whole:
        findings.add("gpt-crc", where, "the checksum of the entries is wrong")
    packed = b"".join(entries[at : at + MIN_ENTRY_BYTES] for at in range(0, len(entries), step))
    return _Header(own, other, first, last, UUID(bytes_le=disk), table, packed, whole)


def _compare(
    primary: Optional[_Header], backup: Optional[_Header], sectors: int, findings: Findings
) -> None:
    if primary is None or backup is None:
        return
    if primary.other != sectors - 1 or backup.other != 1:
        findings.add(
            "gpt-backup",
            _WHERE,
            "the two headers do not name each other",
            "get the image again: it may have been cut or extended",
        )
    if (primary.disk, primary.first, primary.last) != (backup.disk, backup.first, backup.last):
        findings.add("gpt-backup", _WHERE, "the primary and the backup header differ")
    which = "the primary and the backup"
    if primary.whole != backup.whole:
        which = "the backup" if primary.whole else "the primary"
    for index, names in _differences(primary.entries, backup.entries):
        findings.add(
            "gpt-backup",
            _WHERE,
            f"partition {index} in {which} table: {', '.join(names)} differs from the other",
        )


def _differences(one: bytes, other: bytes) -> Iterator[tuple[int, list[str]]]:
    """Which entries of two tables differ, from 1, and in what."""
    for at in range(0, max(len(one), len(other)), MIN_ENTRY_BYTES):
        pair = (one[at : at + MIN_ENTRY_BYTES], other[at : at + MIN_ENTRY_BYTES])
        if pair[0] != pair[1]:
            fields = zip(_FIELDS, *(_ENTRY.unpack(raw.ljust(MIN_ENTRY_BYTES, b"\0")) for raw in pair))
            yield at // MIN_ENTRY_BYTES + 1, [name for name, left, right in fields if left != right]


def _partitions(header: _Header) -> tuple[Partition, ...]:
    found = []
    for index in range(len(header.entries) // MIN_ENTRY_BYTES):
        raw = header.entries[index * MIN_ENTRY_BYTES :][:MIN_ENTRY_BYTES]
        kind, identity, first, last, _, name = _ENTRY.unpack(raw)
        if any(kind):
            text = name.decode("utf-16-le", "replace").partition("\0")[0]
            start, size = first * SECTOR, (last - first + 1) * SECTOR
            found.append(
                Partition(index + 1, text, str(UUID(bytes_le=kind)), _identity(identity), start, size)
            )
    return tuple(found)


def _identity(raw: bytes) -> str:
    return str(UUID(bytes_le=raw)) if any(raw) else ""


def _check_partitions(
    partitions: tuple[Partition, ...], header: _Header, sectors: int, findings: Findings
) -> None:
    if header.first < header.table + len(header.entries) // SECTOR and header.own == 1:
        findings.add("gpt-range", _WHERE, "the partition table lies inside the usable sectors")
    if header.last >= sectors:
        findings.add("gpt-range", _WHERE, "the usable sectors end beyond the disk")
    identities = [partition.identity for partition in partitions]
    for partition in partitions:
        first, end = partition.start // SECTOR, partition.end // SECTOR
        if partition.size <= 0 or first < header.first or end - 1 > header.last:
            findings.add("gpt-range", partition.place, "the partition lies outside the usable sectors")
        if identities.count(partition.identity) > 1 or not partition.identity:
            findings.add(
                "gpt-identity", partition.place, "the partition's identifier is missing or not unique"
            )
    check_order(partitions, findings, "gpt")
    if not partitions:
        findings.add("gpt-empty", _WHERE, "there are no partitions")
