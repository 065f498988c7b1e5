# SPDX-License-Identifier: MIT
"""What is in the partitions of a disk image, by their content: FAT file systems to boot from, the storage,
and what is read by the board's firmware alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from . import fat, gpt, msdos
from .ext4 import Ext4, has_ext4, label_of
from .findings import Damaged, Findings
from .partition import FAT_KINDS, KNOWN_KINDS, SECTOR, Partition, gaps
from .target import Reader

STORAGE_LABEL = "root"
_GPT_TAIL = 33 * SECTOR
_GPT_HEAD = 34 * SECTOR


@dataclass(frozen=True)
class Span:
    """Bytes that belong to none of our file systems: a partition, or what is outside of all."""

    where: str
    reader: Reader


@dataclass
class Contents:
    """``others``: further file systems of the ext family, which may be those of a boot loader;
    ``spans``: what no reader here makes sense of, and these.
    """

    partitions: tuple[Partition, ...] = ()
    boots: list[fat.Fat] = field(default_factory=list)
    storage: Optional[Ext4] = None
    storage_start: Optional[int] = None
    others: list[Ext4] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


def read(image: Reader, findings: Findings) -> Contents:
    """Everything in ``image``. What should be readable and is not becomes a finding."""
    # Where a GUID table is, the msdos one in front of it is a copy at most, for firmware without GUIDs.
    has_gpt = image.pread(8, SECTOR) == gpt.SIGNATURE
    is_msdos = not has_gpt and msdos.has_table(image)
    found = Contents((msdos if is_msdos else gpt).read(image, findings))
    ext4s: list[tuple[Partition, Ext4, Findings]] = []
    for partition in found.partitions:
        try:
            reader = image.window(partition.start, partition.size)
            _read_partition(partition, reader, found, ext4s, findings)
        except (Damaged, OSError) as error:
            findings.add("unreadable", partition.place, getattr(error, "message", str(error)))
    _choose_storage(image, found, ext4s, findings)
    first, last = (SECTOR, image.size) if is_msdos else (_GPT_HEAD, image.size - _GPT_TAIL)
    for start, end in gaps(image, found.partitions, first, last):
        found.spans.append(Span(f"bytes {start} to {end}", image.window(start, end - start)))
    return found


def _read_partition(
    partition: Partition,
    reader: Reader,
    found: Contents,
    ext4s: list[tuple[Partition, Ext4, Findings]],
    findings: Findings,
) -> None:
    if partition.kind in FAT_KINDS or fat.has_fat(reader):
        found.boots.append(fat.Fat(reader, findings, partition.place))
        _check_kind(partition, findings)
    elif has_ext4(reader):
        own = Findings()
        try:
            ext4s.append((partition, Ext4(reader, own, partition.place), own))
        except Damaged:
            # Of others' file systems not every feature is known here.
            if label_of(reader) == STORAGE_LABEL:
                raise
            found.spans.append(Span(partition.place, reader))
    else:
        found.spans.append(Span(partition.place, reader))


def _choose_storage(
    image: Reader, found: Contents, ext4s: list[tuple[Partition, Ext4, Findings]], findings: Findings
) -> None:
    """By its label and its content; a root file system of another kind may have the label as well."""

    def misses(ext4: Ext4) -> tuple[bool, bool]:
        return "trails" not in ext4.entries, ext4.label != STORAGE_LABEL

    ordered = sorted(ext4s, key=lambda item: misses(item[1]))
    if ordered and not all(misses(ordered[0][1])):
        partition, found.storage, own = ordered.pop(0)
        found.storage_start = partition.start
        _check_kind(partition, findings)
        for item in own:
            findings.add(item.code, item.where, item.sentence, item.hint)
    for partition, ext4, _ in ordered:
        found.others.append(ext4)
        found.spans.append(Span(partition.place, image.window(partition.start, partition.size)))


def _check_kind(partition: Partition, findings: Findings) -> None:
    if partition.kind not in KNOWN_KINDS:
        findings.add("gpt-type", partition.place, f"the partition's type {partition.kind} is unknown")
