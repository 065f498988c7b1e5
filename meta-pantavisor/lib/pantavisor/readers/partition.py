# SPDX-License-Identifier: MIT
"""A partition, whichever table lists it, and what the kinds of partitions are called.

A kind is the identifier of a GUID partition table, or the number of an msdos table as ``0x0c``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .findings import Findings
from .target import Reader

SECTOR = 512
EFI_SYSTEM = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
_BASIC_DATA = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
# What a file system is in; boards have many more kinds for what their firmware reads.
KNOWN_KINDS = {
    EFI_SYSTEM: "EFI system",
    _BASIC_DATA: "basic data",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux file system",
    "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux extended boot",
    "69dad710-2ce4-4e3c-b16c-21a1d49abed3": "Linux root (arm)",
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "Linux root (arm64)",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root (x86-64)",
    "0x01": "FAT12",
    "0x04": "FAT16",
    "0x06": "FAT16",
    "0x0b": "FAT32",
    "0x0c": "FAT32",
    "0x0e": "FAT16",
    "0x83": "Linux file system",
    "0xef": "EFI system",
}
FAT_KINDS = frozenset(
    kind for kind, name in KNOWN_KINDS.items() if name.startswith("FAT") or name == "EFI system"
)


@dataclass(frozen=True)
class Partition:
    """One entry of a table; ``start`` and ``size`` in bytes. ``name`` and ``identity`` may be missing."""

    index: int
    name: str
    kind: str
    identity: str
    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size

    @property
    def place(self) -> str:
        return f"partition {self.index}"


def check_order(partitions: Sequence[Partition], findings: Findings, code: str) -> None:
    """See that none overlaps another, and that file systems begin where their blocks do."""
    previous = None
    for partition in sorted(partitions, key=lambda partition: partition.start):
        if partition.kind in KNOWN_KINDS and partition.start % 4096:
            findings.add(
                f"{code}-alignment", partition.place, "the partition is not aligned to 4096 bytes"
            )
        if previous and partition.start < previous.end:
            findings.add(
                f"{code}-overlap", partition.place, f"the partition overlaps partition {previous.index}"
            )
        previous = partition


def gaps(image: Reader, partitions: Sequence[Partition], first: int, last: int) -> list[tuple[int, int]]:
    """Where bytes from ``first`` to ``last`` are in no partition, as start and end."""
    found, at = [], first
    for partition in sorted(partitions, key=lambda partition: partition.start):
        if partition.start > at:
            found.append((at, min(partition.start, last)))
        at = max(at, partition.end)
    if at < min(last, image.size):
        found.append((at, min(last, image.size)))
    return [(start, end) for start, end in found if end > start]
