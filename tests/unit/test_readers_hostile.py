# SPDX-License-Identifier: MIT
"""File systems made to cost much: each is refused soon, and small ones are read."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from pantavisor import proc
from pantavisor.readers import Damaged, Findings, Reader, ext4, extents, fat
from pantavisor.readers.ext4 import Ext4
from pantavisor.readers.fat import Fat
from pantavisor.readers.findings import MAX_FINDINGS

SUPER = 1024


class Image:
    """A file system in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)

    def reader(self) -> Reader:
        descriptor = os.memfd_create("image")
        os.write(descriptor, self.data)
        return Reader(descriptor, 0, len(self.data))

    def put(self, form: str, at: int, *values: int) -> None:
        struct.pack_into(form, self.data, at, *values)

    def ext4(self) -> Ext4:
        return Ext4(self.reader(), Findings(), "x")

    def fat(self) -> Fat:
        return Fat(self.reader(), Findings(), "x")


@pytest.fixture
def small(tmp_path: Path) -> Image:
    """256 KiB of ext4 with a file and a folder."""
    (tmp_path / "tree/d").mkdir(parents=True)
    (tmp_path / "tree/f").write_text("hello")
    (tmp_path / "image").write_bytes(bytes(256 * 1024))
    options = [
        "-t",
        "ext4",
        "-O",
        "^has_journal,^resize_inode,^metadata_csum,^64bit",
        "-b",
        "1024",
        "-N",
        "32",
    ]
    proc.run(["mke2fs", "-q", "-F", *options, "-d", tmp_path / "tree", tmp_path / "image"])
    return Image((tmp_path / "image").read_bytes())


@pytest.fixture
def boot(tmp_path: Path) -> Image:
    """128 KiB of FAT12 with a file and a folder."""
    (tmp_path / "file").write_bytes(b"x" * 5000)
    proc.run(["mkfs.vfat", "-C", "-F", "12", "-s", "1", tmp_path / "fat", "128"])
    proc.run(["mmd", "-i", tmp_path / "fat", "::/d"])
    proc.run(["mcopy", "-i", tmp_path / "fat", tmp_path / "file", "::/f"])
    return Image((tmp_path / "fat").read_bytes())


def node(depth: int, count: int, child: int) -> bytes:
    head = struct.pack("<HHHHI", extents.EXTENT_MAGIC, count, count, depth, 0)
    return head + struct.pack("<IIHH", 0, max(child, 0), 0, 0) * count


def test_extent_tree_whose_nodes_name_one_another_ends() -> None:
    blocks = {depth: node(depth, 0 if depth == 0 else 340, depth - 1) for depth in range(5)}
    with pytest.raises(Damaged, match="too many nodes"):
        list(extents.extent_runs(node(5, 4, 4), lambda number: blocks[number]))


def test_small_file_systems_are_read(small: Image, boot: Image) -> None:
    assert set(small.ext4().entries) == {"d", "f", "lost+found"}
    found = boot.fat()
    assert {path: found.content(file) for path, file in found.files.items()} == {"f": b"x" * 5000}


@pytest.mark.parametrize("form, at, value", [
    ("<H", 88, 129), ("<H", 88, 192), ("<H", 88, 32768), ("<H", 88, 64), ("<I", 32, 0), ("<I", 24, 7),
])  # fmt: skip
def test_super_blocks_with_odd_sizes_are_refused(small: Image, form: str, at: int, value: int) -> None:
    small.put(form, SUPER + at, value)
    with pytest.raises(Damaged, match="not plausible"):
        small.ext4()


@pytest.mark.parametrize("size", [16, 48, 2048])
def test_group_descriptors_of_odd_sizes_are_refused(small: Image, size: int) -> None:
    small.put("<I", SUPER + 96, struct.unpack_from("<I", small.data, SUPER + 96)[0] | 0x80)
    small.put("<H", SUPER + 254, size)
    with pytest.raises(Damaged, match="not plausible"):
        small.ext4()


def root_block(small: Image) -> int:
    storage = small.ext4()
    return next(storage._runs(storage._inode(ext4.ROOT_INODE))).physical * storage.block


def test_folder_that_ends_in_the_middle_of_an_entry_is_refused(small: Image) -> None:
    block = root_block(small)
    small.put("<IHBB", block, 2, 1020, 1, 2)
    with pytest.raises(Damaged, match="damaged"):
        small.ext4()


def test_folders_are_bounded_together(small: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    total = sum(small.ext4()._inode(number).size for number in (2, 11, 12))
    monkeypatch.setattr(ext4, "MAX_FOLDER_BYTES", total)
    small.ext4()
    monkeypatch.setattr(ext4, "MAX_FOLDER_BYTES", total - 1)
    with pytest.raises(Damaged, match="impossible size"):
        small.ext4()


def test_groups_are_bounded(small: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ext4, "MAX_TABLE_BYTES", 31)
    with pytest.raises(Damaged, match="1 groups"):
        small.ext4()


def test_allocation_table_that_is_too_small_is_refused(boot: Image) -> None:
    boot.put("<H", 19, 0)
    boot.put("<I", 32, 256)
    boot.fat()
    boot.data += bytes(4 * 1024 * 1024)
    boot.put("<I", 32, 4000)
    with pytest.raises(Damaged, match="too small"):
        boot.fat()


def test_folder_of_too_many_clusters_is_refused(boot: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fat, "MAX_FOLDER_BYTES", 512)
    boot.fat()
    monkeypatch.setattr(fat, "MAX_FOLDER_BYTES", 511)
    with pytest.raises(Damaged, match="too large"):
        boot.fat()


def test_content_ends_at_its_size(boot: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fat, "CHUNK", 512)
    at = boot.data.index(b"F          ")
    boot.put("<I", at + 28, 700)
    found = boot.fat()
    assert found.content(found.files["f"]) == b"x" * 700
    assert b"".join(found.chunks(found.files["f"])) == b"x" * 700


def test_report_records_that_there_is_more() -> None:
    findings = Findings()
    for number in range(MAX_FINDINGS + 5):
        findings.add("x", str(number), "is wrong")
    assert [finding.code for finding in findings][MAX_FINDINGS - 1 :] == ["x", "more"]
    assert findings.dropped == 5
