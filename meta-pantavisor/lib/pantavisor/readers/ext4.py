# SPDX-License-Identifier: MIT
"""Reading an ext4 (or ext2, ext3) file system: superblock, group descriptors, inodes, folders, content.

Checks what it meets: the state of the file system, checksums of the metadata, link counts, names. A file
system that was not cleanly unmounted is read as it is, and reported; features that change how
content is read, and that are not known here, end the reading.

Source: Linux, Documentation/filesystems/ext4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .crc32c import crc32c
from .extents import Run, extent_runs, indirect_runs
from .findings import Damaged, Findings
from .target import CHUNK, MAX_DEPTH, MAX_ENTRIES, Entry, Reader

MAGIC = 0xEF53
ROOT_INODE = 2
MAX_TABLE_BYTES = 64 * 1024 * 1024  # of the group descriptors
MAX_INODE_BYTES = MAX_DESCRIPTOR_BYTES = 1024
MAX_FOLDER_BYTES = 64 * 1024 * 1024  # of all folders together: their inodes may share blocks
MAX_LINK_BYTES = 4096
_CLEAN, _ERRORS = 1, 2
_RECOVER, _64BIT = 0x4, 0x80
# filetype, recover, extents, 64bit, flex_bg, csum_seed, largedir: none of them hides content.
_READABLE = 0x2 | _RECOVER | 0x40 | _64BIT | 0x200 | 0x2000 | 0x4000
_METADATA_CSUM = 0x400
_EXTENTS_FLAG, _INLINE_FLAG = 0x80000, 0x10000000
MAX_LINK_BYTES = 4096
_KINDS = {0x4000: "folder", 0x8000: "file", 0xA000: "link"}


@dataclass(frozen=True)
class Inode:
    number: int
    kind: str
    mode: int
    size: int
    links: int
    owner: tuple[int, int]
    flags: int
    pointers: bytes


def has_ext4(reader: Reader) -> bool:
    """Whether the magic number of the family is in it."""
    return reader.pread(2, 1024 + 56) == MAGIC.to_bytes(2, "little")


def label_of(reader: Reader) -> str:
    """Its label, also of one that cannot be read further."""
    return reader.pread(16, 1024 + 120).partition(b"\0")[0].decode("utf-8", "replace")


class Ext4:
    """An opened file system with every entry of its tree, as a Storage."""

    def __init__(self, reader: Reader, findings: Findings, where: str) -> None:
        self._reader = reader
        self._findings = findings
        self._where = where
        self._super_block(reader.pread(1024, 1024))
        self._groups()
        self.entries: dict[str, Entry] = {}
        self._inodes: dict[int, Inode] = {}
        self._names: dict[int, int] = {ROOT_INODE: 2}
        self._folder_bytes = 0
        self._walk("", self._inode(ROOT_INODE), 0)
        self._check_links()

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """The content of a file, zeros for its holes. Raises Damaged."""
        yield from self._content(self._inodes[entry.inode])

    def link_target(self, entry: Entry) -> str:
        """Where a link leads; a short one is kept in the inode. Raises Damaged."""
        inode = self._inodes[entry.inode]
        if inode.size < len(inode.pointers) and not inode.flags & _EXTENTS_FLAG:
            return inode.pointers[: inode.size].decode("utf-8", "replace")
        if inode.size > MAX_LINK_BYTES:
            raise Damaged(f"the link has {inode.size} bytes, more than the {MAX_LINK_BYTES} allowed")
        return b"".join(self._content(inode)).decode("utf-8", "replace")

    def _super_block(self, raw: bytes) -> None:
        if len(raw) < 1024 or struct.unpack_from("<H", raw, 56)[0] != MAGIC:
            raise Damaged("there is no ext4 file system")
        (compatible, incompatible, self._read_only) = struct.unpack_from("<III", raw, 92)
        inodes, blocks, first, log = (struct.unpack_from("<I", raw, at)[0] for at in (0, 4, 20, 24))
        self._per_group, self._inodes_per_group = (struct.unpack_from("<I", raw, at)[0] for at in (32, 40))
        state, (revision,) = struct.unpack_from("<H", raw, 58)[0], struct.unpack_from("<I", raw, 76)
        self._inode_size = struct.unpack_from("<H", raw, 88)[0] if revision else 128
        self._step = struct.unpack_from("<H", raw, 254)[0] if incompatible & _64BIT else 32
        self.uuid, self.label = raw[104:120], raw[120:136].partition(b"\0")[0].decode("utf-8", "replace")
        self._large = bool(incompatible & _64BIT)
        if incompatible & ~_READABLE:
            raise Damaged(
                f"the file system has features that are not known here ({incompatible & ~_READABLE:#x})"
            )
        sound = (
            _is_size(self._step, 32, MAX_DESCRIPTOR_BYTES)
            and _is_size(self._inode_size, 128, MAX_INODE_BYTES)
        )  # fmt: skip
        if log > 6 or not self._per_group or not self._inodes_per_group or not sound:
            raise Damaged("the superblock is not plausible")
        self.block = 1024 << log
        self.blocks = blocks | (struct.unpack_from("<I", raw, 336)[0] << 32 if self._large else 0)
        self._first, self._inode_count = first, inodes
        if self.blocks * self.block > self._reader.size:
            raise Damaged(
                f"the file system of {self.blocks * self.block} bytes is larger than its partition"
            )
        self._checksums = bool(self._read_only & _METADATA_CSUM)
        self._seed = struct.unpack_from("<I", raw, 624)[0] if incompatible & 0x2000 else crc32c(self.uuid)
        self._check_state(raw, state, incompatible)

    def _check_state(self, raw: bytes, state: int, incompatible: int) -> None:
        if self._checksums and crc32c(raw[:1020]) != struct.unpack_from("<I", raw, 1020)[0]:
            self._findings.add("ext4-checksum", self._where, "the checksum of the superblock is wrong")
        if not state & _CLEAN or state & _ERRORS:
            self._findings.add("ext4-state", self._where, "the file system is not clean", "run: e2fsck -f")
        if incompatible & _RECOVER:
            self._findings.add(
                "ext4-journal", self._where, "the journal holds changes that were not written yet",
                "run: e2fsck, or shut the device down before its storage is copied",
            )  # fmt: skip

    def _groups(self) -> None:
        count = -(-(self.blocks - self._first) // self._per_group)
        if count * self._step > MAX_TABLE_BYTES:
            raise Damaged(f"the file system has {count} groups, more than can be read here")
        if count * self._inodes_per_group != self._inode_count:
            raise Damaged("the superblock disagrees with itself about groups and inodes")
        table = self._reader.pread(count * self._step, (self._first + 1) * self.block)
        if len(table) < count * self._step:
            raise Damaged("the group descriptors are cut off")
        self._tables = []
        for group in range(count):
            raw = table[group * self._step :][: self._step]
            high = struct.unpack_from("<I", raw, 40)[0] if self._large and self._step >= 64 else 0
            self._tables.append(struct.unpack_from("<I", raw, 8)[0] | high << 32)
            given = struct.unpack_from("<H", raw, 30)[0]
            if self._checksums:
                blank = raw[:30] + b"\0\0" + raw[32:]
                if crc32c(blank, crc32c(group.to_bytes(4, "little"), self._seed)) & 0xFFFF != given:
                    self._findings.add(
                        "ext4-checksum", self._where, f"the checksum of group {group} is wrong"
                    )

    def _block(self, number: int, count: int = 1) -> bytes:
        if not 0 < number < self.blocks or number + count > self.blocks:
            raise Damaged(f"block {number} lies outside of the file system")
        return self._reader.pread(count * self.block, number * self.block)

    def _inode(self, number: int) -> Inode:
        if not 1 <= number <= self._inode_count:
            raise Damaged(f"inode {number} does not exist")
        if number in self._inodes:
            return self._inodes[number]
        group, index = divmod(number - 1, self._inodes_per_group)
        at = self._tables[group] * self.block + index * self._inode_size
        raw = self._reader.pread(self._inode_size, at)
        if len(raw) < self._inode_size:
            raise Damaged(f"inode {number} lies outside of the file system")
        if self._checksums:
            self._check_inode(number, raw)
        mode, user, size, _, _, _, _, group_id, links = struct.unpack_from("<HHIIIIIHH", raw)
        user_high, group_high = struct.unpack_from("<HH", raw, 120)
        size |= struct.unpack_from("<I", raw, 108)[0] << 32
        owner = user | user_high << 16, group_id | group_high << 16
        kind = _KINDS.get(mode & 0xF000, "other")
        flags = struct.unpack_from("<I", raw, 32)[0]
        inode = Inode(number, kind, mode & 0o7777, size, links, owner, flags, raw[40:100])
        self._inodes[number] = inode
        return inode

    def _check_inode(self, number: int, raw: bytes) -> None:
        blank = bytearray(raw)
        given = struct.unpack_from("<H", raw, 124)[0]
        blank[124:126] = b"\0\0"
        mask = 0xFFFF
        if self._inode_size > 128 and struct.unpack_from("<H", raw, 128)[0] >= 4:
            given |= struct.unpack_from("<H", raw, 130)[0] << 16
            blank[130:132] = b"\0\0"
            mask = 0xFFFFFFFF
        seed = crc32c(raw[100:104], crc32c(number.to_bytes(4, "little"), self._seed))
        if crc32c(bytes(blank), seed) & mask != given:
            self._findings.add("ext4-checksum", self._where, f"the checksum of inode {number} is wrong")

    def _runs(self, inode: Inode) -> Iterator[Run]:
        if inode.flags & _INLINE_FLAG:
            raise Damaged("the file keeps its content in the inode, which is not known here")
        if inode.flags & _EXTENTS_FLAG:
            return extent_runs(inode.pointers, self._block)
        return indirect_runs(inode.pointers, -(-inode.size // self.block), self.block, self._block)

    def _content(self, inode: Inode) -> Iterator[bytes]:
        if inode.size > self.blocks * self.block:
            raise Damaged(f"the file of {inode.size} bytes is larger than its file system")
        position = 0
        for run in self._runs(inode):
            start = run.logical * self.block
            end = min(inode.size, start + run.count * self.block)
            yield from _zeros(min(start, inode.size) - position)
            position = max(position, min(start, inode.size))
            if run.physical and not run.physical + run.count <= self.blocks:
                raise Damaged(f"block {run.physical} lies outside of the file system")
            while position < end:
                count = min(CHUNK, end - position)
                at = run.physical * self.block + position - start
                data = self._reader.pread(count, at) if run.physical else bytes(count)
                if len(data) < count:
                    raise Damaged("the content is cut off")
                yield data
                position += count
        yield from _zeros(inode.size - position)

    def _walk(self, folder: str, inode: Inode, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Damaged(f"{folder} is nested too deeply")
        for name, number in self._names_in(folder, inode):
            path = f"{folder}{name}"
            child = self._inode(number)
            if path in self.entries:
                self._findings.add("ext4-name", f"{self._where}, {path}", "the name is in it twice")
                continue
            if len(self.entries) >= MAX_ENTRIES:
                raise Damaged(f"the file system holds more than {MAX_ENTRIES} entries")
            self._names[number] = self._names.get(number, 0) + 1
            self.entries[path] = Entry(
                path, child.kind, number, child.size, child.mode, child.links, child.owner
            )
            if child.kind == "folder":
                if self._names[number] > 1:
                    raise Damaged(f"the directory {path} has two names")
                self._names[number] += 1
                self._names[inode.number] += 1
                self._walk(f"{path}/", child, depth + 1)

    def _names_in(self, folder: str, inode: Inode) -> Iterator[tuple[str, int]]:
        self._folder_bytes += inode.size
        if self._folder_bytes > MAX_FOLDER_BYTES or inode.size % self.block:
            raise Damaged(f"the directory {folder or '/'} has an impossible size")
        raw = b"".join(self._content(inode))
        for start in range(0, len(raw), self.block):
            at = 0
            while at < self.block:
                if at + 8 > self.block:
                    raise Damaged(f"the directory {folder or '/'} is damaged")
                number, length, size, _ = struct.unpack_from("<IHBB", raw, start + at)
                if length < 8 or length % 4 or at + length > self.block or size + 8 > length:
                    raise Damaged(f"the directory {folder or '/'} is damaged")
                name = raw[start + at + 8 : start + at + 8 + size]
                at += length
                if number and name not in (b".", b".."):
                    yield self._name(folder, name), number

    def _name(self, folder: str, name: bytes) -> str:
        if b"/" in name or b"\0" in name or not name:
            raise Damaged(f"the directory {folder or '/'} holds an impossible name")
        try:
            return name.decode("utf-8")
        except UnicodeDecodeError:
            raise Damaged(f"the directory {folder or '/'} holds a name that is not UTF-8") from None

    def _check_links(self) -> None:
        paths = {entry.inode: entry.path for entry in self.entries.values()}
        for number, count in self._names.items():
            inode = self._inodes[number]
            # A folder with too many others in it counts 1.
            if inode.links != count and not (inode.kind == "folder" and inode.links == 1):
                where = f"{self._where}, {paths.get(number, '/')}"
                self._findings.add(
                    "ext4-links", where, f"has {count} names, but its inode counts {inode.links}"
                )


def _is_size(value: int, least: int, most: int) -> bool:
    return least <= value <= most and value & (value - 1) == 0


def _zeros(count: int) -> Iterator[bytes]:
    while count > 0:
        yield bytes(min(count, CHUNK))
        count -= CHUNK
