# SPDX-License-Identifier: MIT
"""The verifier on disk images: damaged partition tables, file systems and contents, and other people's
images.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pantavisor import audit, proc
from pantavisor.readers import Damaged, Findings, OpenFile, Reader, gpt
from pantavisor.readers import open as opening
from pantavisor.readers.ext4 import Ext4
from pantavisor.readers.fat import Fat
from sim import device as sim

MIB = 1024 * 1024
STORAGE = 65 * MIB


class Bench:
    """An image to damage in place, and to restore."""

    def __init__(self, device: sim.Device, path: Path) -> None:
        self.device = device
        self.path = path
        self.stream = open(path, "r+b", buffering=0)
        self.size = path.stat().st_size
        self._undo: list[tuple[int, bytes]] = []

    def read(self, at: int, count: int) -> bytes:
        self.stream.seek(at)
        return self.stream.read(count)

    def write(self, at: int, data: bytes) -> None:
        self._undo.append((at, self.read(at, len(data))))
        self.stream.seek(at)
        self.stream.write(data)

    def flip(self, at: int, mask: int = 1) -> None:
        self.write(at, bytes([self.read(at, 1)[0] ^ mask]))

    def restore(self) -> None:
        while self._undo:
            at, data = self._undo.pop()
            self.stream.seek(at)
            self.stream.write(data)

    def table_codes(self) -> list[str]:
        """Codes of the findings in the partition table alone."""
        findings = Findings()
        with OpenFile(self.path) as image:
            gpt.read(image, findings)
        return [finding.code for finding in findings]

    def codes(self, *, strict: bool = True) -> list[str]:
        """Codes of the findings but for the second opinion of e2fsck: our own readers are tested."""
        report = audit.verify(self.path, trust=self.device.trust, strict=strict)
        return [finding.code for finding in report.findings if finding.code != "e2fsck"]


@pytest.fixture(scope="module")
def module_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    device = sim.make(tmp_path_factory.mktemp("device") / "device")
    copy = device.folder / "copy.img"
    proc.run(["cp", "--sparse=always", device.image(), copy])
    return Bench(device, copy)


@pytest.fixture
def bench(module_bench: Bench) -> Iterator[Bench]:
    yield module_bench
    module_bench.restore()


def test_whole_image_is_good(module_bench: Bench) -> None:
    assert module_bench.codes() == []


def test_image_without_a_block_for_the_notes_of_grub_is_named(
    module_bench: Bench, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.img"
    proc.run(["cp", "--sparse=always", module_bench.path, copy])
    proc.run(["debugfs", "-w", "-R", "rm /boot/grubtry", f"{copy}?offset={STORAGE}"])
    assert Bench(module_bench.device, copy).codes() == ["boot"]


def test_every_byte_of_the_partition_headers_counts(bench: Bench) -> None:
    for start in (512, bench.size - 512):
        for at in range(92):
            bench.flip(start + at)
            assert bench.table_codes(), at
            bench.restore()


def test_every_field_of_the_partition_entries_counts(bench: Bench) -> None:
    for start in (1024, bench.size - 33 * 512):
        for at in [*range(256), 128 * 127]:
            bench.flip(start + at)
            assert bench.table_codes(), at
            bench.restore()


def reseal(bench: Bench) -> None:
    """Right checksums in both headers, so that only the sense of the entries is left to find fault with."""
    for header, table in ((512, 1024), (bench.size - 512, bench.size - 33 * 512)):
        raw = bytearray(bench.read(header, 92))
        struct.pack_into("<I", raw, 88, zlib.crc32(bench.read(table, 128 * 128)))
        struct.pack_into("<I", raw, 16, 0)
        struct.pack_into("<I", raw, 16, zlib.crc32(bytes(raw)))
        bench.write(header, bytes(raw))


def entry_write(at: int, data: bytes) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        for table in (1024, bench.size - 33 * 512):
            bench.write(table + at, data)
        reseal(bench)

    return change


@pytest.mark.parametrize(
    "change, code",
    [
        (entry_write(32, struct.pack("<Q", 2049)), "gpt-alignment"),
        (entry_write(32, struct.pack("<Q", 3)), "gpt-range"),
        (entry_write(40, struct.pack("<Q", 140_000)), "gpt-overlap"),
        (entry_write(128 + 40, struct.pack("<Q", 1 << 40)), "gpt-range"),
        (entry_write(128 + 16, b"\0" * 16), "gpt-identity"),
        (entry_write(0, b"x" * 16), "gpt-type"),
        (entry_write(0, b"\0" * 256), "gpt-empty"),
        (lambda bench: bench.write(510, b"\0\0"), "gpt-mbr"),
        (lambda bench: bench.write(450, b"\x83"), "gpt-mbr"),
        (lambda bench: bench.write(bench.size - 512, bytes(512)), "gpt-header"),
    ],
)
def test_partitions_that_make_no_sense_are_named(
    bench: Bench, change: Callable[[Bench], None], code: str
) -> None:
    change(bench)
    assert code in bench.codes()


def test_cut_and_extended_images_are_named(bench: Bench, tmp_path: Path) -> None:
    for size in (bench.size - 512, bench.size - MIB, bench.size + MIB, bench.size // 2, 4096):
        proc.run(["cp", "--sparse=always", bench.path, tmp_path / "cut.img"])
        os.truncate(tmp_path / "cut.img", size)
        report = audit.verify(tmp_path / "cut.img", trust=bench.device.trust)
        assert any(finding.code.startswith("gpt-") for finding in report.findings), size


@pytest.mark.parametrize(
    "at, data, code",
    [
        (MIB + 510, b"\0\0", "unreadable"),
        (MIB + 11, b"\1\0", "unreadable"),
        (MIB + 13, b"\0", "unreadable"),
        (MIB + 71, b"OTHER", "fat-boot"),
        (MIB + 32 * 512 + 12, b"\7", "fat-tables"),
        (MIB + 32 * 512 + 12, b"\0\0\0\0", "unreadable"),
    ],
)
def test_damaged_boot_file_systems_are_named(bench: Bench, at: int, data: bytes, code: str) -> None:
    bench.write(at, data)
    assert code in bench.codes()


def test_boot_loader_that_is_none_or_for_another_machine_is_named(bench: Bench) -> None:
    image = bench.path.read_bytes()
    start = image.index(b"PE\0\0", MIB)
    bench.write(start + 4, struct.pack("<H", 0xAA64))
    assert bench.codes() == ["boot-loader", "boot-sums"]
    bench.write(start, b"XX")
    assert bench.codes() == ["boot-loader", "boot-sums"]
    name = image.index(b"BOOTX64 EFI", MIB)
    bench.write(name, b"\xe5")
    assert "boot-loader" in bench.codes()


@pytest.mark.parametrize(
    "text, where",
    [
        (b"0" * 64 + b"  EFI/BOOT/BOOTX64.EFI\n", "boot partition, EFI/BOOT/BOOTX64.EFI"),
        (b"0" * 64 + b"  EFI/BOOT/BOOTX32.EFI\n", "boot partition, EFI/BOOT/BOOTX32.EFI"),
        (b"0" * 64 + b"  EFI/BOOT/BOOTX32.EFI\n", "boot partition, EFI/BOOT/BOOTX64.EFI"),
        (b"nothing".ljust(87), "boot partition, SHA256SUMS"),
        (b"", "boot partition, SHA256SUMS"),
    ],
)
def test_list_of_digests_that_does_not_fit_is_named(bench: Bench, text: bytes, where: str) -> None:
    image = bench.path.read_bytes()
    bench.write(image.index(b"  EFI/BOOT/BOOTX64.EFI\n", MIB) - 64, text)
    if not text:
        # The short name, as no other file begins with it.
        bench.write(image.index(b"SHA256", MIB), b"\xe5")
    report = audit.verify(bench.path, trust=bench.device.trust, strict=True)
    assert where in {finding.where for finding in report.findings if finding.code == "boot-sums"}


def test_list_of_digests_is_asked_for_in_strict_mode_only(bench: Bench) -> None:
    bench.write(bench.path.read_bytes().index(b"SHA256", MIB), b"\xe5")
    assert bench.codes(strict=False) == []
    assert bench.codes() == ["boot-sums"]


@pytest.mark.hostile
def test_every_object_in_the_image_counts(bench: Bench) -> None:
    for object_id in sorted(bench.device.state.object_ids()):
        at = first_byte(bench, f"objects/{object_id}")
        bench.flip(at)
        assert "object-digest" in bench.codes(strict=False)
        bench.restore()


def test_every_inline_file_in_the_image_counts(bench: Bench) -> None:
    for path in bench.device.state.inline():
        bench.flip(first_byte(bench, f"trails/0/{path}"))
        assert "trail-json" in bench.codes(strict=False)
        bench.restore()


def first_byte(bench: Bench, path: str) -> int:
    findings = Findings()
    with OpenFile(bench.path) as image:
        storage = Ext4(image.window(STORAGE, bench.size - STORAGE - MIB), findings, "")
        inode = storage._inode(storage.entries[path].inode)
        return STORAGE + next(storage._runs(inode)).physical * storage.block


@pytest.mark.parametrize(
    "at, data, code",
    [
        (56, b"\0\0", "partition"),
        (58, b"\0\0", "ext4-state"),
        (58, b"\3\0", "ext4-state"),
        (96, b"\xc6", "ext4-journal"),
        (96, b"\xff\xff", "unreadable"),
        (120, b"boot\0", "partition"),
        (4, b"\xff\xff\xff", "unreadable"),
        (32, b"\0\0\0\0", "unreadable"),
        (40, b"\1\0\0\0", "unreadable"),
        (24, b"\x10\0", "unreadable"),
        (136, b"x", "ext4-checksum"),
        (4096 - 1024 + 8, b"\xff", "ext4-checksum"),
    ],
)
def test_damaged_super_blocks_are_named(bench: Bench, at: int, data: bytes, code: str) -> None:
    bench.write(STORAGE + 1024 + at, data)
    assert code in bench.codes()


@pytest.mark.parametrize(
    "command, code",
    [
        ("set_inode_field /{path} uid 1000", "mode"),
        ("set_inode_field /{path} mode 0100666", "mode"),
        ("set_inode_field /{path} links_count 2", "ext4-links"),
        ("symlink /{path}.link /etc/passwd", "kind"),
        ("unlink /{path}", "trail"),
    ],
)
def test_changed_inodes_are_named(bench: Bench, tmp_path: Path, command: str, code: str) -> None:
    path = "trails/0/bsp/run.json"
    image = tmp_path / "changed.img"
    proc.run(["cp", "--sparse=always", bench.path, image])
    proc.run(["debugfs", "-w", "-R", command.format(path=path), f"{image}?offset={STORAGE}"])
    report = audit.verify(image, trust=bench.device.trust, strict=True)
    assert (code, path) in {
        (finding.code, finding.where.rpartition(", ")[2].partition(".link")[0])
        for finding in report.findings
    }


def test_objects_that_are_larger_than_the_image_together_are_not_all_read(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MAX_TIMES_LARGER", 1)
    image = tmp_path / "changed.img"
    proc.run(["cp", "--sparse=always", bench.path, image])
    objects = sorted(bench.device.state.object_ids())
    for object_id in objects:
        command = f"set_inode_field /objects/{object_id} size {bench.size // 4}"
        proc.run(["debugfs", "-w", "-R", command, f"{image}?offset={STORAGE}"])
    report = audit.verify(image, trust=bench.device.trust, strict=True)
    unread = {finding.where for finding in report.findings if finding.code == "object-size"}
    assert unread == {f"objects/{object_id}" for object_id in objects[4:]}
    assert report.checked["objects"] == 4


@pytest.mark.hostile
def test_random_damage_never_ends_in_a_traceback(bench: Bench) -> None:
    chance = random.Random(7)
    places = [*range(0, 34 * 512), *range(MIB, MIB + 1024), *range(STORAGE, STORAGE + 50 * 4096)]
    for _ in range(80):
        for _ in range(chance.randint(1, 4)):
            bench.write(chance.choice(places), bytes([chance.randint(0, 255)]))
        bench.codes()
        bench.restore()


@pytest.mark.hostile
def test_random_damage_of_folders_and_inodes_is_found(bench: Bench) -> None:
    chance = random.Random(8)
    inodes = STORAGE + 41 * 4096
    for _ in range(60):
        at = inodes + 256 * chance.randint(10, 60) + chance.randint(0, 127)
        bench.flip(at, 1 << chance.randint(0, 7))
        assert bench.codes()
        bench.restore()


def test_second_opinion_of_e2fsck_is_reported(module_bench: Bench) -> None:
    # A block bitmap that says free where it should not: our reader does not look at it.
    bitmap = STORAGE + 9 * 4096
    module_bench.write(bitmap, b"\0" * 64)
    try:
        report = audit.verify(module_bench.path, trust=module_bench.device.trust)
        assert [finding.code for finding in report.findings] == ["e2fsck"]
    finally:
        module_bench.restore()


def make_ext(path: Path, tree: Path, *options: str) -> Ext4:
    with open(path, "wb") as stream:
        stream.truncate(40 * MIB)
    proc.run(["mke2fs", "-q", "-F", "-d", tree, *options, path])
    descriptor = os.open(path, os.O_RDONLY)
    found = Findings()
    storage = Ext4(Reader(descriptor, 0, path.stat().st_size), found, "x")
    assert list(found) == []
    return storage


@pytest.mark.parametrize("target", ["0", "locals/" + 52 * "x", "locals/" + 53 * "x", 80 * "x"])
@pytest.mark.parametrize("kind", ["ext2", "ext4"])
def test_links_are_read_from_the_inode_and_from_blocks(kind: str, target: str, tmp_path: Path) -> None:
    (tmp_path / "tree/logs").mkdir(parents=True)
    (tmp_path / "tree/logs/current").symlink_to(target)
    storage = make_ext(tmp_path / "image", tmp_path / "tree", "-t", kind)
    assert storage.link_target(storage.entries["logs/current"]) == target


@pytest.mark.hostile
@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ext2"),
        ("-t", "ext2", "-b", "1024"),
        ("-t", "ext3", "-b", "2048"),
        ("-t", "ext4"),
        ("-t", "ext4", "-b", "1024", "-O", "^metadata_csum,^64bit"),
        ("-t", "ext4", "-O", "metadata_csum_seed", "-I", "128"),
    ],
)
def test_other_file_systems_of_the_family_are_read(tmp_path: Path, options: tuple[str, ...]) -> None:
    tree = tmp_path / "tree"
    (tree / "many").mkdir(parents=True)
    for number in range(700):
        (tree / "many" / f"a-name-that-fills-the-folder-{number}").write_text(str(number))
    (tree / "large").write_bytes(random.Random(1).randbytes(6 * MIB + 77))
    with open(tree / "holes", "wb") as stream:
        stream.seek(5 * MIB)
        stream.write(b"end")
        stream.truncate(9 * MIB)
    if "-I" in options:
        shutil.rmtree(tree / "many")
    storage = make_ext(tmp_path / "image", tree, *options)
    for path in tree.rglob("*"):
        entry = storage.entries[str(path.relative_to(tree))]
        if path.is_file():
            assert b"".join(storage.chunks(entry)) == path.read_bytes()


@pytest.mark.parametrize("bits, mebibytes", [(12, 8), (16, 32), (32, 64)])
def test_other_fats_are_read(tmp_path: Path, bits: int, mebibytes: int) -> None:
    image = tmp_path / "fat"
    with open(image, "wb") as stream:
        stream.truncate(mebibytes * MIB)
    options = ["-s", "1"] if bits == 32 else []
    proc.run(["mkfs.vfat", "-F", str(bits), *options, image])
    (tmp_path / "file").write_bytes(random.Random(2).randbytes(700_001))
    proc.run(["mmd", "-i", image, "::/Some Folder", "::/EFI"])
    for name in (
        "Some Folder/a longer name than eight.text",
        "EFI/lower.txt",
        "EFI/UPPER.TXT",
        "Mixed.Txt",
    ):
        proc.run(["mcopy", "-i", image, tmp_path / "file", f"::/{name}"])
    findings = Findings()
    with OpenFile(image) as reader:
        fat = Fat(reader, findings, "x")
        assert sorted(fat.files) == [
            "EFI/UPPER.TXT", "EFI/lower.txt", "Mixed.Txt", "Some Folder/a longer name than eight.text",
        ]  # fmt: skip
        assert all(fat.content(file) == (tmp_path / "file").read_bytes() for file in fat.files.values())
    assert list(findings) == []


def test_chains_that_loop_or_cross_are_damage(tmp_path: Path) -> None:
    image = tmp_path / "fat"
    with open(image, "wb") as stream:
        stream.truncate(64 * MIB)
    proc.run(["mkfs.vfat", "-F", "32", "-s", "1", image])
    (tmp_path / "file").write_bytes(bytes(3000))
    proc.run(["mcopy", "-i", image, tmp_path / "file", "::/one"])
    data = bytearray(image.read_bytes())
    table = 32 * 512
    assert struct.unpack_from("<I", data, table + 4 * 3)[0] == 4
    struct.pack_into("<I", data, table + 4 * 4, 3)
    image.write_bytes(data)
    with (
        OpenFile(image) as reader,
        pytest.raises(Damaged, match=re.escape("one: shares a cluster with one")),
    ):
        Fat(reader, Findings(), "x")
