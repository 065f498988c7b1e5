# SPDX-License-Identifier: MIT
"""Reading an msdos partition table: four primary entries, and the chain of logical ones inside an extended
partition.

It has no checksum and no copy, so only its sense can be checked.

Source: UEFI specification 2.10, section 5.2.1, for the primary entries; the chain is as Linux reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .findings import Findings
from .partition import SECTOR, Partition, check_order
from .target import Reader

PROTECTIVE = 0xEE
MAX_LOGICAL = 128
_EXTENDED = (0x05, 0x0F, 0x85)
_ENTRIES = struct.Struct("<B3xB3xII")
_WHERE = "partition table"


def has_table(image: Reader) -> bool:
    """Whether the first sector lists partitions of its own, and not only that another table does."""
    sector = image.pread(SECTOR, 0)
    return (
        len(sector) == SECTOR
        and sector[510:] == b"\x55\xaa"
        and all(flags in (0, 0x80) for flags, *_ in _entries(sector))
        and not any(kind == PROTECTIVE for _, kind, *_ in _entries(sector))
        and any(kind and count for _, kind, _, count in _entries(sector))
    )


def read(image: Reader, findings: Findings) -> tuple[Partition, ...]:
    """The partitions of ``image``: the primary ones from 1, the logical ones from 5."""
    sector = image.pread(SECTOR, 0)
    (identity,) = struct.unpack_from("<I", sector, 440)
    found = []
    for index, (_, kind, start, count) in enumerate(_entries(sector), 1):
        if kind in _EXTENDED:
            for number, place in enumerate(_logical(image, start, count, findings), 5):
                found.append(_partition(number, identity, *place))
        elif kind:
            found.append(_partition(index, identity, kind, start, count))
    for partition in found:
        if not partition.size or not partition.start or partition.end > image.size:
            findings.add("msdos-range", partition.place, "the partition lies outside the disk")
    check_order(found, findings, "msdos")
    return tuple(sorted(found, key=lambda partition: partition.index))


def _partition(index: int, identity: int, kind: int, start: int, count: int) -> Partition:
    unique = f"{identity:08x}-{index:02x}" if identity else ""
    return Partition(index, "", f"0x{kind:02x}", unique, start * SECTOR, count * SECTOR)


def _logical(image: Reader, base: int, size: int, findings: Findings) -> Iterator[tuple[int, int, int]]:
    """Kind, first sector and count of each logical partition; each table names the next one."""
    at = base
    for _ in range(MAX_LOGICAL):
        sector = image.pread(SECTOR, at * SECTOR)
        if len(sector) < SECTOR or sector[510:] != b"\x55\xaa":
            findings.add("msdos-chain", _WHERE, f"there is no table of logical partitions in sector {at}")
            return
        (_, kind, start, count), (_, next_kind, step, _) = list(_entries(sector))[:2]
        if kind:
            yield kind, at + start, count
        if next_kind not in _EXTENDED:
            return
        # Only forward, or a chain could lead back into itself.
        if not at < base + step < base + size:
            findings.add("msdos-chain", _WHERE, f"the table in sector {at} leads to sector {base + step}")
            return
        at = base + step
    findings.add("msdos-chain", _WHERE, f"there are more than {MAX_LOGICAL} logical partitions")


def _entries(sector: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Flags, kind, first sector and count of the four entries of a table."""
    for at in range(446, 510, 16):
        yield _ENTRIES.unpack_from(sector, at)
