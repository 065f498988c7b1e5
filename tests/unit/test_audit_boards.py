# SPDX-License-Identifier: MIT
"""The verifier on the images of boards, as other tools lay them out: msdos and GUID tables by parted, boot
loaders at fixed places, boot partitions for U-Boot and Raspberry Pi, storage among root file systems of
others.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pantavisor import audit, disk, inspect, proc
from pantavisor.board import Board
from pantavisor.readers import Findings, OpenFile, msdos
from sim import device as sim
from sim.uboot import script

MIB = 1024 * 1024
BOOT_AT, BOOT_SIZE, STORAGE_AT = MIB, 16 * MIB, 20 * MIB
BLOB_AT = 33 * 1024
KEY = b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"


@dataclass(frozen=True)
class World:
    """A device, and its storage as a file system."""

    folder: Path
    device: sim.Device
    storage: Path

    def board(
        self,
        name: str,
        files: Mapping[str, bytes],
        *,
        table: str = "msdos",
        blob: bytes = b"U-Boot" * 1000,
        kind: str = "fat32",
    ) -> Path:
        """A disk with a blob, a boot partition of ``files`` and the storage, the tables by parted."""
        image = self.folder / f"{name}.img"
        end = STORAGE_AT + self.storage.stat().st_size
        with open(image, "wb") as stream:
            stream.truncate(end + MIB)
        words = f"mklabel {table} mkpart primary {kind} {BOOT_AT}B {BOOT_AT + BOOT_SIZE - 1}B "
        words += f"mkpart primary ext4 {STORAGE_AT}B {end - 1}B"
        proc.run(["parted", "-s", image, *words.split()])
        self.fill(image, files, blob)
        return image

    def fill(self, image: Path, files: Mapping[str, bytes], blob: bytes) -> None:
        lay(self.fat(files), image, BOOT_AT)
        lay(self.storage, image, STORAGE_AT)
        (self.folder / "blob").write_bytes(blob)
        lay(self.folder / "blob", image, BLOB_AT)

    def fat(self, files: Mapping[str, bytes]) -> Path:
        """A boot partition with a list of its digests."""
        target = self.folder / "boot.fat"
        with open(target, "wb") as stream:
            stream.truncate(BOOT_SIZE)
        proc.run(["mkfs.vfat", target])
        lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
        for name, content in {**files, "SHA256SUMS": "".join(lines).encode()}.items():
            (self.folder / "file").write_bytes(content)
            proc.run(["mcopy", "-i", target, self.folder / "file", f"::/{name}"])
        return target

    def verify(self, image: Path) -> audit.Report:
        return audit.verify(image, trust=self.device.trust, strict=True)


def lay(source: Path, image: Path, at: int) -> None:
    words = f"if={source} of={image} bs=64K seek={at} oflag=seek_bytes conv=notrunc,sparse"
    proc.run(["dd", *words.split()])


def codes(report: audit.Report) -> set[str]:
    return {finding.code for finding in report.findings}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    # parted is a tool of administrators.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    folder = tmp_path_factory.mktemp("boards")
    device = sim.make(folder / "device")
    storage = folder / "storage.ext4"
    disk.build_storage(storage, Board(), device.storage, epoch=sim.EPOCH, seed=device.state.digest())
    return World(folder, device, storage)


@pytest.mark.parametrize("table", ["msdos", "gpt"])
def test_a_board_with_u_boot_at_a_fixed_place_is_good(world: World, table: str) -> None:
    image = world.board(table, {"boot.scr": script(), "uboot.env": bytes(512)}, table=table)
    report = world.verify(image)
    assert not report.findings, report.findings
    (note,) = [note for note in report.notes if note.code == "unchecked"]
    assert note.where == f"bytes {512 if table == 'msdos' else 34 * 512} to {BOOT_AT}"
    kinds = [(item.index, item.kind, item.start) for item in inspect.inspect(image).partitions]
    boot = "FAT32" if table == "msdos" else "basic data"
    assert kinds == [(1, boot, BOOT_AT), (2, "Linux file system", STORAGE_AT)]


@pytest.mark.parametrize("changes", [True, False])
def test_the_notes_of_u_boot_may_change_and_the_script_may_not(world: World, changes: bool) -> None:
    image = world.board("notes", {"boot.scr": script(), "pv-notes.env": bytes(512)})
    name = "pv-notes.env" if changes else "boot.scr"
    (world.folder / "other").write_bytes(script(b"echo other\n"))
    proc.run(["mcopy", "-o", "-i", f"{image}@@{BOOT_AT}", world.folder / "other", f"::/{name}"])
    assert codes(world.verify(image)) == (set() if changes else {"boot-sums"})


@pytest.mark.parametrize(
    "files, wrong",
    [
        ({"config.txt": b"kernel=u-boot.bin\n", "u-boot.bin": b"x"}, False),
        ({"config.txt": b"arm_64bit=1\n", "kernel8.img": b"x"}, False),
        ({"config.txt": b"kernel=u-boot.bin\n", "kernel8.img": b"x"}, True),
        ({"config.txt": b"arm_64bit=1\n"}, True),
        ({"autoboot.txt": b"[all]\ntryboot_a_b=1\nboot_partition=2\n"}, False),
        ({"boot.scr": script()[:-1]}, True),
        ({"boot.scr": b"echo this was never packed\n" * 9}, True),
        ({"boot.scr": b"\xd0\x0d\xfe\xed\x00\x00\x00\x10" + bytes(8)}, False),
        ({"boot.scr": b"\xd0\x0d\xfe\xed\x00\x00\x40\x00"}, True),
        ({"Image": b"x"}, True),
    ],
)
def test_what_firmware_starts_has_to_be_there(world: World, files: dict[str, bytes], wrong: bool) -> None:
    report = world.verify(world.board("start", files))
    assert codes(report) == ({"boot-loader"} if wrong else set()), report.findings


def test_a_private_key_in_a_blob_is_found(world: World) -> None:
    image = world.board("key", {"boot.scr": script()}, blob=b"x" * 100 + KEY)
    assert codes(world.verify(image)) == {"secret"}


def test_raw_partitions_of_firmware_and_root_file_systems_of_others_are_noted(world: World) -> None:
    """The first stages at 17 KiB, a kind of partition of the board's own, and a script on an ext4."""
    image, foreign = world.folder / "many.img", world.folder / "foreign.ext4"
    (world.folder / "bootfs/boot").mkdir(parents=True)
    (world.folder / "bootfs/boot/boot.scr").write_bytes(script())
    with open(foreign, "wb") as stream:
        stream.truncate(16 * MIB)
    proc.run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", world.folder / "bootfs", foreign])
    size = world.storage.stat().st_size
    with open(image, "wb") as stream:
        stream.truncate(STORAGE_AT + size + MIB)
    proc.run(
        ["sgdisk", "-a", "1", "-n", "1:34:+256K", "-t", "1:8301", "-n", "2:1024:+256K",
         "-t", "2:19d5df83-11b0-457b-be2c-7559c13142a5", "-n", f"3:{MIB // 512}:+16M",
         "-n", f"4:{STORAGE_AT // 512}:+{size // 1024}K", image],
    )  # fmt: skip
    (world.folder / "fsbl").write_bytes(b"STM2" * 999)
    for source, at in ((world.folder / "fsbl", 34 * 512), (foreign, MIB), (world.storage, STORAGE_AT)):
        lay(source, image, at)
    report = world.verify(image)
    assert not report.findings, report.findings
    noted = [note.where for note in report.notes if note.code == "unchecked"]
    assert noted == ["partition 1", "partition 3"]


@pytest.mark.parametrize("name", ["config.txt", "boot.scr"])
def test_a_file_of_the_firmware_that_is_too_large_hides_no_other_finding(world: World, name: str) -> None:
    (world.folder / name).mkdir()
    (world.folder / name / name).write_bytes(bytes(2 * MIB))
    other = world.folder / f"{name}.ext4"
    with open(other, "wb") as stream:
        stream.truncate(8 * MIB)
    proc.run(["mkfs.ext4", "-q", "-L", "other", "-d", world.folder / name, other])
    image = world.board(f"{name}-large", {"Image": b"x"}, table="gpt")
    with open(image, "r+b") as stream:
        end = stream.seek(0, os.SEEK_END)
        stream.truncate(end + 10 * MIB)
    proc.run(["sgdisk", "-e", "-n", f"3:{end // MIB}M:+8M", image])
    lay(other, image, end // MIB * MIB)
    findings = [finding for finding in world.verify(image).findings if finding.code == "boot-loader"]
    assert [finding.where for finding in findings] == [f'ext4 "other", {name}']
    assert "more than the 1048576 allowed" in findings[0].sentence


def test_logical_partitions_are_read_and_a_chain_that_leads_back_ends(world: World) -> None:
    image = world.folder / "logical.img"
    with open(image, "wb") as stream:
        stream.truncate(64 * MIB)
    words = "mklabel msdos mkpart primary 1MiB 2MiB mkpart extended 2MiB 60MiB "
    words += "mkpart logical 3MiB 4MiB mkpart logical 6MiB 8MiB"
    proc.run(["parted", "-s", image, *words.split()])
    findings = Findings()
    with OpenFile(image) as reader:
        found = [(part.index, part.start // MIB, part.size // MIB) for part in msdos.read(reader, findings)]
    assert found == [(1, 1, 1), (5, 3, 1), (6, 6, 2)] and not list(findings)
    # The second table of the chain leads back to one before it.
    with open(image, "r+b") as stream:
        stream.seek(2 * MIB + 446 + 16 + 8)
        (second,) = struct.unpack("<I", stream.read(4))
        stream.seek(2 * MIB + second * 512 + 446 + 16)
        stream.write(struct.pack("<B3xB3xII", 0, 5, 1, 2048))
    with OpenFile(image) as reader:
        msdos.read(reader, findings)
    assert [finding.code for finding in findings] == ["msdos-chain"]


def test_partitions_of_an_msdos_table_that_make_no_sense_are_named(world: World) -> None:
    image = world.board("sense", {"boot.scr": script()})
    with open(image, "r+b") as stream:
        stream.seek(446 + 8)
        stream.write(struct.pack("<II", 2049, 0x7FFFFFFF))
    assert {"msdos-range", "msdos-overlap", "msdos-alignment"} <= codes(world.verify(image))
