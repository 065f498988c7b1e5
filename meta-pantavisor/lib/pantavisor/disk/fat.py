# SPDX-License-Identifier: MIT
"""The EFI system partition: FAT32 by mkfs.vfat and mtools, written straight into the disk image.

One sector a cluster, because a FAT32 of this size would otherwise have too few clusters to be one. No
signature reaches these files, so a list of their digests lies next to them, for ``sha256sum -c``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from .. import bootenv, proc
from ..errors import FormatError, LimitError, NotFound
from . import gpt
from .tools import tool_environment

LABEL = "ESP"
MIN_BYTES = 64 * 1024 * 1024  # a FAT32 with one sector a cluster needs 33 MiB
MAX_BYTES = 2 * 1024 * 1024 * 1024
MAX_FILES = 1000
CLUSTER = 512  # bytes
SUMS = "SHA256SUMS"
_NAME = re.compile(r"[A-Za-z0-9_$~!#%&@(){}^'`+,;=\[\] .-]{1,255}")


def size_for(files: Mapping[str, Path]) -> int:
    """Bytes of a partition that holds ``files`` twice, so that boot loaders can be replaced side by side.

    Raises LimitError, FormatError, and NotFound for a file that does not exist.
    """
    content = sum(_size(path) + CLUSTER for path in files.values())
    size = -(-max(MIN_BYTES, 2 * content + MIN_BYTES // 4) // gpt.ALIGNMENT) * gpt.ALIGNMENT
    if size > MAX_BYTES:
        raise LimitError(
            f"the boot files need {content} bytes, more than a boot partition of {MAX_BYTES} bytes holds"
        )
    return size


def write(
    image: Path, files: Mapping[str, Path], *, start: int, size: int, serial: int, epoch: int
) -> None:
    """Make the file system at byte ``start`` of ``image``;
    scratch copies of ``files`` are laid next to it. Raises FormatError and LimitError.
    """
    targets = _check_names(files)
    where = f"{image.name}@@{start}"
    tools = tool_environment(epoch)
    proc.run(
        ["mkfs.vfat", "--invariant", "-F", "32", "-S", str(gpt.SECTOR), "-s", str(CLUSTER // gpt.SECTOR),
         "-h", str(start // gpt.SECTOR), "-i", f"{serial:08x}", "-n", LABEL,
         "--offset", str(start // gpt.SECTOR), image.name, str(size // 1024)],
        cwd=image.parent, environment=tools,
    )  # fmt: skip
    for folder in _folders(targets):
        proc.run(["mmd", "-i", where, f"::/{folder}"], cwd=image.parent, environment=tools)
    # mcopy takes names with a colon for drives and gives the copy the time of the source:
    # so never the source.
    copy = image.parent / "boot-file"
    sums = ""
    for target in [*map(str, targets), SUMS]:
        if target == SUMS:
            copy.write_text(sums, encoding="utf-8")
        else:
            shutil.copyfile(files[target], copy)
        if target not in (SUMS, bootenv.UBOOT_NOTES):  # notes change at each boot
            sums += f"{hashlib.sha256(copy.read_bytes()).hexdigest()}  {target}\n"
        os.utime(copy, (epoch, epoch))
        proc.run(
            ["mcopy", "-m", "-i", where, copy.name, f"::/{target}"], cwd=image.parent, environment=tools
        )
        copy.unlink()


def mapped(image: Path, *, start: int) -> Iterator[tuple[int, int]]:
    """Byte ranges (start, end) of the image that the file system uses: its tables and up to the last used
    cluster.
    """
    with open(image, "rb") as stream:
        stream.seek(start)
        boot = stream.read(gpt.SECTOR)
        sector, per_cluster, reserved, fats = struct.unpack_from("<HBHB", boot, 11)
        (fat_sectors,) = struct.unpack_from("<I", boot, 36)
        stream.seek(start + reserved * sector)
        fat = stream.read(fat_sectors * sector).rstrip(b"\0")
    last_cluster = (len(fat) + 3) // 4 - 1
    used = (reserved + fats * fat_sectors + (last_cluster - 1) * per_cluster) * sector
    yield start, start + used


def _check_names(files: Mapping[str, Path]) -> list[PurePosixPath]:
    if len(files) > MAX_FILES:
        raise LimitError(f"{len(files)} boot files are more than the {MAX_FILES} allowed")
    seen: dict[str, str] = {}
    for name in sorted(files):
        parts = name.split("/")
        if not all(_NAME.fullmatch(part) and part[-1] not in " ." for part in parts):
            raise FormatError(
                f'"{name[:300]}" cannot be a file of the boot partition',
                hint="use a path such as EFI/BOOT/BOOTX64.EFI",
            )
        for depth in range(1, len(parts) + 1):
            prefix = "/".join(parts[:depth])
            # FAT does not know upper from lower case, so two spellings would be one file.
            if seen.setdefault(prefix.lower(), prefix) != prefix:
                raise FormatError(
                    f'"{prefix}" and "{seen[prefix.lower()]}" are the same name on the boot partition',
                    hint="use one spelling: on FAT upper and lower case are the same",
                )
            if prefix.lower() == SUMS.lower():
                raise FormatError(
                    f'"{name}" would take the place of the list of digests', hint="use another name"
                )
            if depth < len(parts) and prefix in files:
                raise FormatError(f'"{name}" lies below another boot file', hint="use another name")
    return [PurePosixPath(name) for name in sorted(files)]


def _folders(targets: list[PurePosixPath]) -> list[PurePosixPath]:
    return sorted(
        {parent for target in targets for parent in target.parents if parent != PurePosixPath(".")}
    )


def _size(path: Path) -> int:
    if not path.exists():
        raise NotFound(f"the boot file {path} does not exist", hint="check its path")
    if not path.is_file():
        raise FormatError(f"the boot file {path} is not a regular file", hint="name files alone")
    return path.stat().st_size
