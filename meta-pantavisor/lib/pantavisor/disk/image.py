# SPDX-License-Identifier: MIT
"""From a storage tree to a flashable disk image: partition tables, boot partition, storage partition, block map."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union
from uuid import UUID

from .. import atomic
from ..errors import FormatError
from . import bmap, ext4, fat, gpt, usage
from . import tree as trees

MIN_EPOCH = 315532800  # 1980-01-01, where the clock of FAT begins
MAX_EPOCH = 0x7FFFFFFF
MAX_BYTES = 16 * 1024**4 - gpt.ALIGNMENT
BOOT_NAME = "boot"
STORAGE_NAME = "storage"


@dataclass(frozen=True)
class DiskImage:
    """A finished disk image: ``size`` bytes, ``mapped`` of them to flash as the block map beside it says."""

    path: Path
    bmap: Path
    size: int
    mapped: int


def build(
    image_path: Path,
    storage_tree: Path,
    *,
    esp_files: Mapping[str, Path],
    epoch: int,
    seed: Union[bytes, str],
    size: Optional[int] = None,
    label: str = "root",
) -> DiskImage:
    """Write ``image_path`` and ``image_path``.bmap, both or neither.

    ``esp_files`` maps paths in the boot partition to files; ``size`` in bytes is rounded down to a MiB, and None means
    the content and as much again. ``epoch`` (seconds) becomes every time in the image, from 1980 on. All identifiers
    (disk, partitions, file systems) follow from ``seed``. The storage partition is the last, so that it can grow.
    """
    if epoch > MAX_EPOCH:
        raise FormatError(f"the time {epoch} lies after 2038, where the times of the file systems end")
    epoch = max(epoch, MIN_EPOCH)
    tree = trees.scan(storage_tree)
    boot, storage = _partitions(fat.size_for(esp_files), ext4.size_for(tree), size, seed)
    total = storage.end + gpt.ALIGNMENT
    table = gpt.render([boot, storage], disk=_identifier(seed, "disk"), size=total)
    target = Path(image_path)
    with atomic.scratch(target.parent, prefix=f".{target.name[:100]}.") as folder:
        raw = folder / "disk.img"
        _lay_tables(raw, table, total)
        serial = _identifier(seed, "boot file system").int & 0xFFFFFFFF
        fat.write(raw, esp_files, start=boot.start, size=boot.size, serial=serial, epoch=epoch)
        ext4.write(
            raw,
            tree,
            start=storage.start,
            size=storage.size,
            label=label,
            identity=_identifier(seed, "storage file system"),
            hash_seed=_identifier(seed, "storage name hash"),
            epoch=epoch,
        )
        ranges = [(0, gpt.HEAD_BYTES), (total - gpt.TAIL_BYTES, total)]
        ranges += fat.mapped(raw, start=boot.start)
        ranges += usage.mapped(raw, start=storage.start)
        return _publish(raw, bmap.make(raw, ranges), target, total)


def _partitions(
    boot_size: int, storage_size: int, size: Optional[int], seed: Union[bytes, str]
) -> tuple[gpt.Partition, gpt.Partition]:
    start = gpt.ALIGNMENT + boot_size
    if size is None:
        storage_size = -(-storage_size // gpt.ALIGNMENT) * gpt.ALIGNMENT
    else:
        storage_size = size // gpt.ALIGNMENT * gpt.ALIGNMENT - gpt.ALIGNMENT - start
    if storage_size < ext4.MIN_BYTES:
        least = start + ext4.MIN_BYTES + gpt.ALIGNMENT
        raise FormatError(f"a disk image of {size} bytes is too small", hint=f"at least {least} bytes")
    if storage_size > MAX_BYTES:
        raise FormatError(f"a disk image of {size} bytes is too large", hint=f"at most {MAX_BYTES} bytes")
    return (
        gpt.Partition(BOOT_NAME, gpt.EFI_SYSTEM, _identifier(seed, "boot partition"), gpt.ALIGNMENT, boot_size),
        gpt.Partition(STORAGE_NAME, gpt.LINUX_DATA, _identifier(seed, "storage partition"), start, storage_size),
    )


def _identifier(seed: Union[bytes, str], purpose: str) -> UUID:
    # A name-based UUID of RFC 9562, version 8: our own recipe, with sha256 instead of version 5's sha1.
    given = seed.encode() if isinstance(seed, str) else seed
    digest = bytearray(hashlib.sha256(b"pantavisor disk 1\0" + purpose.encode() + b"\0" + given).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))


def _lay_tables(raw: Path, table: gpt.Table, total: int) -> None:
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
