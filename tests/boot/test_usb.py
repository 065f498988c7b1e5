# SPDX-License-Identifier: MIT
"""Sticks with exports, in a device without a network: one is tried and kept, the others are refused."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS, KEY_DIR
from storage import Storage, output

KEYS = ("--key", str(KEY_DIR / "key.pem"), "--x5c", str(KEY_DIR / "x5c.pem"))
MIB = 1024 * 1024
NAME = "update.pvrexport.tgz"
# The demonstration's kernel has no USB storage; what can be taken out of SCSI is treated alike.
BUS = ("-device", "virtio-scsi-pci,id=scsi")


@pytest.fixture(scope="module")
def made(desk: Desk) -> Path:
    """A device that reads sticks."""
    return desk.image([desk.export(part) for part in ("pantavisor-bsp", "demo-system", "pv-usb")])


@pytest.fixture(scope="module")
def exports(desk: Desk, made: Path) -> Path:
    """A folder with the export of the next release, and one of a state that is not signed."""
    desk.pvr("init", "next")
    for part in ("pantavisor-bsp", "demo-system", "pv-usb"):
        desk.pvr("get", str(desk.export(part)), inside="next")
    desk.pvr("checkout", inside="next")
    note = desk.folder / "next/_config/demo-system/etc/motd"
    note.parent.mkdir(parents=True)
    note.write_text("from a stick\n")
    desk.pvr("add", inside="next")
    desk.pvr("commit", inside="next")
    desk.pvr("export", "../unsigned.tgz", inside="next")
    desk.pvr("sig", *KEYS, "update", inside="next")
    desk.pvr("sig", "set", "--release", "2", *KEYS, inside="next")
    desk.pvr("export", "../signed.tgz", inside="next")
    return desk.folder


@pytest.fixture(scope="module")
def sticks(exports: Path) -> Iterator[list[Path]]:
    """A damaged file system, an export behind a link, one that is not signed, one as it should be."""
    yield [
        damaged(exports / "damaged.img", exports / "signed.tgz"),
        ext4(exports / "linked.img", NAME, exports / "signed.tgz", link=True),
        ext4(exports / "unsigned.img", NAME, exports / "unsigned.tgz"),
        vfat(exports / "good.img", NAME, exports / "signed.tgz"),
    ]


def ext4(image: Path, name: str, export: Path, *, link: bool = False) -> Path:
    folder = image.with_suffix(".d")
    folder.mkdir()
    place = folder / ("hidden" if link else name)
    place.write_bytes(export.read_bytes())
    if link:
        (folder / name).symlink_to("hidden")
    image.write_bytes(b"")
    size = export.stat().st_size // MIB + 32
    output("mke2fs", "-q", "-t", "ext4", "-d", str(folder), str(image), f"{size}M")
    return image


def damaged(image: Path, export: Path) -> Path:
    """The superblock is that of a file system; what it leads to is noise."""
    ext4(image, NAME, export)
    with image.open("r+b") as stream:
        stream.seek(4096)
        stream.write(bytes(range(256)) * 16 * 256)
    return image


def vfat(image: Path, name: str, export: Path) -> Path:
    with image.open("wb") as stream:
        stream.truncate(export.stat().st_size + 64 * MIB)
    output("mkfs.vfat", "-F", "32", str(image))
    output("mcopy", "-i", str(image), str(export), f"::{name}")
    return image


def test_of_four_sticks_the_one_that_is_signed_is_kept(
    made: Path, machine: str, sticks: list[Path], tmp_path: Path
) -> None:
    drives = [word for number, stick in enumerate(sticks) for word in drive(number, stick)]
    setup = qemu.Setup(made, machine, (), persist=True, extra=(*BUS, *drives))
    with qemu.Guest(setup) as running:
        looked = running.wait_for(r"revision (locals/usb-\S+) is being verified", timeout=BOOT_SECONDS)
        name = next(word for word in looked.split() if word.startswith("locals/usb-"))
        running.wait_for(rf"revision {name} COMMITTED", timeout=BOOT_SECONDS)
        # They are all there still.
        running.wait_for(rf"revision {name} RUNNING", timeout=BOOT_SECONDS)
        assert running.console.count("is being verified") == 1
        for trouble in ("Kernel panic", "Oops", "BUG:"):
            assert trouble not in running.console
    storage = Storage.of(made)
    storage.replay(tmp_path)
    trail = f"/trails/{name}"
    progress = json.loads(storage.read(f"{trail}/.pv/progress", tmp_path))
    assert progress["status"] == "DONE"
    assert storage.read(f"{trail}/.pv/commitmsg", tmp_path) == NAME.encode()
    assert storage.read(f"{trail}/_config/demo-system/etc/motd", tmp_path) == b"from a stick\n"
    for stick in sticks:
        if stick.name in ("linked.img", "unsigned.img"):
            # Nothing was written: not even the journal was replayed, nor a mount counted.
            subprocess.run(["e2fsck", "-fn", str(stick)], check=True, capture_output=True, timeout=600)
            assert "Mount count:              0" in output("dumpe2fs", "-h", str(stick))


def drive(number: int, stick: Path) -> tuple[str, ...]:
    name = f"stick{number}"
    return (
        "-drive", f"if=none,id={name},format=raw,file={stick}",
        "-device", f"scsi-hd,drive={name},removable=on,scsi-id={number},bus=scsi.0",
    )  # fmt: skip
