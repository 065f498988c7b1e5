# SPDX-License-Identifier: MIT
"""Reading a FAT32, FAT16 or FAT12 boot partition: names short and long, chains of clusters, both tables.

Source: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .findings import Damaged, Findings
from .target import CHUNK, MAX_DEPTH, Reader

MAX_FILES = 10_000
MAX_FAT_BYTES = 8 * 1024 * 1024
MAX_FOLDER_BYTES = 2 * 1024 * 1024
SECTOR_SIZES = (512, 1024, 2048, 4096)
_FOLDER, _VOLUME, _LONG = 0x10, 0x08, 0x0F


def has_fat(reader: Reader) -> bool:
    """Whether the first sector looks like that of a FAT file system."""
    boot = reader.pread(512, 0)
    return (
        len(boot) == 512
        and boot[510:] == b"\x55\xaa"
        and (boot[0] == 0xE9 or boot[0] == 0xEB and boot[2] == 0x90)
        and struct.unpack_from("<H", boot, 11)[0] in SECTOR_SIZES
        and boot[16] in (1, 2)
        and boot[21] >= 0xF0
    )


@dataclass(frozen=True)
class BootFile:
    """A file of the boot partition; its content in cluster runs."""

    path: str
    size: int
    clusters: tuple[int, ...]


class Fat:
    """An opened file system; ``files`` by path as spelled there."""

    def __init__(self, reader: Reader, findings: Findings, where: str) -> None:
        self._reader = reader
        self._findings = findings
        self._where = where
        self._geometry(reader.pread(512, 0))
        self._check_copies()
        self._owners: dict[int, str] = {}
        self.files: dict[str, BootFile] = {}
        self._walk("", self._root(), 0)

    def content(self, file: BootFile) -> bytes:
        """The whole content of a file."""
        return b"".join(self.chunks(file))

    def chunks(self, file: BootFile) -> Iterator[bytes]:
        left = file.size
        for run in self._runs(file.clusters):
            if left <= 0:
                return
            yield run[:left]
            left -= len(run)

    def _geometry(self, boot: bytes) -> None:
        if len(boot) < 512 or boot[510:512] != b"\x55\xaa":
            raise Damaged("there is no FAT file system")
        head = struct.unpack_from("<HBHBHHBH", boot, 11)
        sector, self._per_cluster, reserved, fats, root_entries, small, _, fat16 = head
        (large,) = struct.unpack_from("<I", boot, 32)
        (fat32,) = struct.unpack_from("<I", boot, 36)
        self._sector, self._fats, self._reserved = sector, fats, reserved
        fat_sectors, total = fat16 or fat32, small or large
        if sector not in SECTOR_SIZES or not self._per_cluster or fats not in (1, 2) or not reserved:
            raise Damaged("the boot sector of the FAT file system is not plausible")
        if total * sector > self._reader.size or fat_sectors * sector > MAX_FAT_BYTES:
            raise Damaged("the FAT file system is larger than its partition")
        self._root_start = reserved + fats * fat_sectors
        self._root_bytes = root_entries * 32
        self._data = self._root_start + -(-self._root_bytes // sector)
        self._count = max(0, (total - self._data) // self._per_cluster)
        # The number of clusters alone decides which FAT it is.
        self._bits = next((bits for bits, end in ((12, 4085), (16, 65525)) if self._count < end), 32)
        self._root_cluster = struct.unpack_from("<I", boot, 44)[0] if self._bits == 32 else 0
        self._fat_bytes = fat_sectors * sector
        self._table = self._reader.pread(self._fat_bytes, reserved * sector)
        if len(self._table) * 8 < (self._count + 2) * self._bits:
            raise Damaged("the allocation table of the FAT file system is too small for its clusters")
        if self._bits == 32:
            copy = struct.unpack_from("<H", boot, 50)[0]
            if copy and self._reader.pread(512, copy * sector) != boot:
                self._findings.add("fat-boot", self._where, "the copy of the boot sector differs")

    def _check_copies(self) -> None:
        for index in range(1, self._fats):
            at = self._reserved * self._sector + index * self._fat_bytes
            if self._reader.pread(self._fat_bytes, at) != self._table:
                self._findings.add("fat-tables", self._where, "the two allocation tables differ")

    def _next(self, cluster: int) -> int:
        if self._bits == 32:
            return int(struct.unpack_from("<I", self._table, cluster * 4)[0] & 0x0FFFFFFF)
        if self._bits == 16:
            return int(struct.unpack_from("<H", self._table, cluster * 2)[0])
        (pair,) = struct.unpack_from("<H", self._table, cluster * 3 // 2)
        return int(pair >> 4 if cluster & 1 else pair & 0xFFF)

    def _chain(self, first: int, owner: str) -> tuple[int, ...]:
        end = {12: 0xFF8, 16: 0xFFF8, 32: 0x0FFFFFF8}[self._bits]
        chain = []
        while first < end:
            if not 2 <= first < self._count + 2:
                raise Damaged(f"{owner}: its chain of clusters leaves the file system")
            if first in self._owners:
                raise Damaged(f"{owner}: shares a cluster with {self._owners[first] or 'the root'}")
            self._owners[first] = owner
            chain.append(first)
            first = self._next(first)
        return tuple(chain)

    def _runs(self, clusters: tuple[int, ...]) -> Iterator[bytes]:
        size = self._per_cluster * self._sector
        at = 0
        while at < len(clusters):
            end = at + 1
            while (
                end < len(clusters) and clusters[end] == clusters[end - 1] + 1 and (end - at) * size < CHUNK
            ):
                end += 1
            start = (self._data + (clusters[at] - 2) * self._per_cluster) * self._sector
            yield self._reader.pread((end - at) * size, start)
            at = end

    def _root(self) -> bytes:
        if self._bits == 32:
            return self._folder(self._chain(self._root_cluster, ""))
        return self._reader.pread(self._root_bytes, self._root_start * self._sector)

    def _folder(self, clusters: tuple[int, ...]) -> bytes:
        if len(clusters) * self._per_cluster * self._sector > MAX_FOLDER_BYTES:
            raise Damaged("the FAT file system holds a directory that is too large")
        return b"".join(self._runs(clusters))

    def _walk(self, folder: str, raw: bytes, depth: int) -> None:
        if depth > MAX_DEPTH or len(self.files) > MAX_FILES:
            raise Damaged("the FAT file system holds too many files")
        for name, attributes, cluster, size in _names(raw):
            path = f"{folder}{name}"
            chain = self._chain(cluster, path) if cluster else ()
            if attributes & _FOLDER:
                if size:
                    self._findings.add(
                        "fat-chain", f"{self._where}, {path}", "is a directory with a size of its own"
                    )
                self._walk(f"{path}/", self._folder(chain), depth + 1)
                continue
            needed = -(-size // (self._per_cluster * self._sector))
            if len(chain) != needed:
                self._findings.add(
                    "fat-chain", f"{self._where}, {path}", f"{len(chain)} clusters hold {size} bytes"
                )
            self.files[path] = BootFile(path, size, chain)


def _names(raw: bytes) -> Iterator[tuple[str, int, int, int]]:
    long: dict[int, bytes] = {}
    for at in range(0, len(raw) - 31, 32):
        entry = raw[at : at + 32]
        if entry[0] == 0:
            return
        if entry[0] == 0xE5:
            long = {}
            continue
        if entry[11] & 0x3F == _LONG:
            long[entry[0] & 0x1F] = entry[1:11] + entry[14:26] + entry[28:32] + entry[13:14]
            continue
        short = _short(entry)
        # A long name of another short one was left behind by who knows only those.
        own = all(part[-1] == _checksum(entry[:11]) for part in long.values())
        text = (
            b"".join(long[index][:-1] for index in sorted(long)).decode("utf-16-le", "replace")
            if own
            else ""
        )
        long = {}
        if not entry[11] & _VOLUME and short not in (".", ".."):
            high, low, size = struct.unpack_from("<H", entry, 20)[0], *struct.unpack_from("<HI", entry, 26)
            yield text.partition("\0")[0] or short, entry[11], high << 16 | low, size


def _checksum(short: bytes) -> int:
    total = 0
    for byte in short:
        total = ((total & 1) << 7 | total >> 1) + byte & 0xFF
    return total


def _short(entry: bytes) -> str:
    base, extension = entry[:8].decode("latin-1").rstrip(), entry[8:11].decode("latin-1").rstrip()
    # Two bits mark that a name which needs no long one was spelled in lower case.
    base = base.lower() if entry[12] & 0x08 else base
    extension = extension.lower() if entry[12] & 0x10 else extension
    return f"{base}.{extension}" if extension else base
