# SPDX-License-Identifier: MIT
"""From a board and its storage tree to a flashable disk image: partition tables, blobs, boot partitions,
storage partition, block map.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union
from uuid import UUID

from .. import atomic
from ..board import Blob, Board, StoragePartition
from ..errors import FormatError, NotFound
from . import bmap, ext4, fat, files, gpt, usage
from .placement import MAX_BYTES, DiskSpan, place, place_blobs

MIN_EPOCH = 315532800  # 1980-01-01, where the clock of FAT begins
MAX_EPOCH = 0x7FFFFFFF


@dataclass(frozen=True)
class DiskImage:
    """A finished disk image: ``size`` bytes, ``mapped`` of them to flash
    as the block map next to it lists.
    """

    path: Path
    bmap: Path
    size: int
    mapped: int


def build(
    image_path: Path,
    board: Board,
    storage_tree: Path,
    *,
    epoch: int,
    seed: Union[bytes, str],
    size: Optional[int] = None,
) -> DiskImage:
    """Write ``image_path`` and ``image_path``.bmap, both or neither.

    ``size`` in bytes is rounded down to a MiB, and None means the content and as much again. ``epoch``
    (seconds) becomes every time in the image, from 1980 on. All identifiers (disk, partitions, file
    systems) follow from ``seed``. Raises FormatError for what does not fit, NotFound for files that do not
    exist.
    """
    epoch = _clamped_epoch(epoch)
    tree = files.scan(storage_tree)
    spans = place(board, [*(fat.size_for(part.files) for part in board.boot), ext4.size_for(tree)], size)
    blobs = place_blobs(board, [_size(blob) for blob in board.blobs])
    total = spans[-1].end + gpt.ALIGNMENT
    table = gpt.render(_partitions(board, spans, seed), disk=_identifier(seed, "disk"), size=total)
    target = Path(image_path)
    with atomic.scratch_for(target) as folder:
        raw = folder / "disk.img"
        _write_tables(raw, table, total)
        _write_blobs(raw, board.blobs)
        for part, span in zip(board.boot, spans):
            serial = _identifier(seed, f"{part.name} file system").int & 0xFFFFFFFF
            fat.write(raw, part.files, start=span.start, size=span.size, serial=serial, epoch=epoch)
        _write_storage(raw, board.storage, tree, spans[-1], seed, epoch)
        ranges = [
            (0, gpt.HEAD_BYTES),
            (total - gpt.TAIL_BYTES, total),
            *((blob.start, blob.end) for blob in blobs),
        ]
        for span in spans[:-1]:
            ranges += fat.mapped(raw, start=span.start)
        ranges += usage.mapped(raw, start=spans[-1].start)
        return _publish(raw, bmap.make(raw, ranges), target, total)


def build_storage(
    target: Path,
    board: Board,
    storage_tree: Path,
    *,
    epoch: int,
    seed: Union[bytes, str],
    size: Optional[int] = None,
) -> int:
    """Write the storage partition alone, a file system for tools that lay disks out by themselves; bit for
    bit what ``build`` makes of the same size.

    Returns that size in bytes. The parameters are those of ``build``. Raises FormatError.
    """
    epoch = _clamped_epoch(epoch)
    tree = files.scan(storage_tree)
    needed = ext4.size_for(tree) if size is None else size
    whole = needed // gpt.ALIGNMENT if size else -(-needed // gpt.ALIGNMENT)
    span = DiskSpan(0, whole * gpt.ALIGNMENT)
    if not ext4.MIN_BYTES <= span.size <= MAX_BYTES:
        raise FormatError(
            f"a storage partition of {size} bytes cannot be made",
            hint=f"use {ext4.MIN_BYTES} to {MAX_BYTES} bytes",
        )
    with atomic.scratch_for(target) as folder:
        raw = folder / "storage.img"
        with open(raw, "xb") as stream:
            stream.truncate(span.size)
        _write_storage(raw, board.storage, tree, span, seed, epoch)
        with open(raw, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(raw, target)
    return span.size


def _clamped_epoch(epoch: int) -> int:
    if epoch > MAX_EPOCH:
        raise FormatError(f"the time {epoch} lies after 2038, where the times of the file systems end")
    return max(epoch, MIN_EPOCH)


def _write_storage(
    raw: Path,
    storage: StoragePartition,
    tree: files.DiskFiles,
    span: DiskSpan,
    seed: Union[bytes, str],
    epoch: int,
) -> None:
    ext4.write(
        raw,
        tree,
        start=span.start,
        size=span.size,
        label=storage.label,
        identity=_identifier(seed, f"{storage.name} file system"),
        hash_seed=_identifier(seed, f"{storage.name} name hash"),
        epoch=epoch,
    )


def _partitions(board: Board, spans: Sequence[DiskSpan], seed: Union[bytes, str]) -> list[gpt.Partition]:
    kinds = [*(gpt.EFI_SYSTEM for _ in board.boot), gpt.LINUX_DATA]
    return [
        gpt.Partition(name, kind, _identifier(seed, f"{name} partition"), span.start, span.size)
        for name, kind, span in zip(board.names, kinds, spans)
    ]


def _size(blob: Blob) -> int:
    if not blob.path.is_file():
        raise NotFound(f"{blob.path}, for byte {blob.offset} of the disk, does not exist")
    return blob.path.stat().st_size


def _write_blobs(raw: Path, blobs: Sequence[Blob]) -> None:
    with open(raw, "r+b") as target:
        for blob in blobs:
            target.seek(blob.offset)
            with open(blob.path, "rb") as source:
                shutil.copyfileobj(source, target)


def _identifier(seed: Union[bytes, str], purpose: str) -> UUID:
    # A name-based UUID of RFC 9562, version 8: our own recipe, with sha256 instead of version 5's sha1.
    given = seed.encode() if isinstance(seed, str) else seed
    digest = bytearray(
        hashlib.sha256(b"pantavisor disk 1\0" + purpose.encode() + b"\0" + given).digest()[:16]
    )
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))


def _write_tables(raw: Path, table: gpt.PartitionTable, total: int) -> None:
    with open(raw, "xb") as stream:
        stream.truncate(total)
        stream.write(table.head)
        stream.seek(total - len(table.tail))
        stream.write(table.tail)


def _publish(raw: Path, block_map: bmap.BlockMap, target: Path, total: int) -> DiskImage:
    beside = target.with_name(f"{target.name}.bmap")
    with open(raw, "rb") as stream:
        os.fsync(stream.fileno())
    # Never an image with the map of another: first away with the old map, and the new one last.
    beside.unlink(missing_ok=True)
    os.replace(raw, target)
    try:
        atomic.write(beside, block_map.text)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return DiskImage(target, beside, total, block_map.mapped)
