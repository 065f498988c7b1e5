# SPDX-License-Identifier: MIT
"""GUID partition table, as the UEFI specification (2.10, chapter 5) draws it: protective MBR, primary and
backup.

Sectors of 512 bytes, 128 entries of 128 bytes, partitions aligned to 1 MiB. All identifiers are given by
the caller.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional
from uuid import UUID

from ..board import ALIGNMENT as ALIGNMENT
from ..errors import FormatError

SECTOR = 512  # bytes
SIGNATURE = b"EFI PART"
ENTRIES = 128
ENTRY_BYTES = 128
TABLE_SECTORS = ENTRIES * ENTRY_BYTES // SECTOR
HEAD_BYTES = (2 + TABLE_SECTORS) * SECTOR  # protective MBR, header, entries
TAIL_BYTES = (1 + TABLE_SECTORS) * SECTOR  # entries, header
MAX_NAME_UNITS = 36  # UTF-16 code units

EFI_SYSTEM = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
LINUX_DATA = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")


@dataclass(frozen=True)
class Partition:
    """One partition; ``start`` and ``size`` in bytes."""

    name: str
    kind: UUID
    identity: UUID
    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size


@dataclass(frozen=True)
class PartitionTable:
    """The bytes for both ends of the disk."""

    head: bytes
    tail: bytes


def render(partitions: Sequence[Partition], *, disk: UUID, size: int) -> PartitionTable:
    """The tables of a disk of ``size`` bytes. Raises FormatError where partitions do not fit, overlap or
    misalign.
    """
    _check(partitions, size)
    sectors = size // SECTOR
    entries = b"".join(map(_entry, partitions)).ljust(ENTRIES * ENTRY_BYTES, b"\0")
    primary = _header(sectors, own=1, other=sectors - 1, table=2, disk=disk, entries=entries)
    backup = _header(
        sectors, own=sectors - 1, other=1, table=sectors - 1 - TABLE_SECTORS, disk=disk, entries=entries
    )
    return PartitionTable(_protective_mbr(sectors) + primary + entries, entries + backup)


def fitted(head: bytes, size: int) -> Optional[PartitionTable]:
    """The same partitions on a larger disk of ``size`` bytes, from the HEAD_BYTES at the start of an image;
    None where that has another kind of table.
    """
    header, entries, sectors = head[SECTOR : 2 * SECTOR], head[2 * SECTOR : HEAD_BYTES], size // SECTOR
    if header[:8] != SIGNATURE or header[72:88] != struct.pack("<QII", 2, ENTRIES, ENTRY_BYTES):
        return None
    last = sectors - 2 - TABLE_SECTORS
    primary = _changed(header, {32: sectors - 1, 48: last})
    backup = _changed(header, {24: sectors - 1, 32: 1, 48: last, 72: last + 1})
    return PartitionTable(_protective_mbr(sectors) + primary + entries, entries + backup)


def _changed(header: bytes, numbers: Mapping[int, int]) -> bytes:
    """A header with other numbers at some of its bytes, and the checksum that belongs to them."""
    raw = bytearray(header)
    for at, number in numbers.items():
        struct.pack_into("<Q", raw, at, number)
    (length,) = struct.unpack_from("<I", raw, 12)
    struct.pack_into("<I", raw, 16, 0)
    struct.pack_into("<I", raw, 16, zlib.crc32(raw[:length]))
    return bytes(raw)


def _check(partitions: Sequence[Partition], size: int) -> None:
    if size % SECTOR or len(partitions) > ENTRIES:
        raise FormatError(f"a disk of {size} bytes with {len(partitions)} partitions cannot be described")
    previous = HEAD_BYTES
    for partition in partitions:
        if partition.start % ALIGNMENT or partition.size % SECTOR or partition.size <= 0:
            raise FormatError(f'partition "{partition.name}" is not aligned')
        if partition.start < previous or partition.end > size - TAIL_BYTES:
            raise FormatError(f'partition "{partition.name}" does not fit between its neighbours')
        previous = partition.end


def _entry(partition: Partition) -> bytes:
    name = partition.name.encode("utf-16-le")
    if len(name) > 2 * MAX_NAME_UNITS:
        raise FormatError(f'partition name "{partition.name}" is longer than {MAX_NAME_UNITS} characters')
    first, last = partition.start // SECTOR, partition.end // SECTOR - 1
    return struct.pack(
        "<16s16sQQQ72s", partition.kind.bytes_le, partition.identity.bytes_le, first, last, 0, name
    )


def _header(sectors: int, *, own: int, other: int, table: int, disk: UUID, entries: bytes) -> bytes:
    first, last = 2 + TABLE_SECTORS, sectors - 2 - TABLE_SECTORS
    crc = zlib.crc32(entries)

    def pack(header_crc: int) -> bytes:
        return struct.pack(
            "<8sIIIIQQQQ16sQIII", SIGNATURE, 0x10000, 92, header_crc, 0,
            own, other, first, last, disk.bytes_le, table, ENTRIES, ENTRY_BYTES, crc,
        )  # fmt: skip

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def _protective_mbr(sectors: int) -> bytes:
    # One partition of type EE over the whole disk, so that tools that know no GPT see no free space.
    entry = struct.pack(
        "<B3sB3sII", 0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, min(sectors - 1, 0xFFFFFFFF)
    )
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"
