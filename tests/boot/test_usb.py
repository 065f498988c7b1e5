# SPDX-License-Identifier: MIT
"""Sticks with exports, in a device without a network: one is tried and kept, the others are refused."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from control import wait_until
from devtools import guest as qemu
from devtools.sticks import attached
from made import Desk
from monitor import order
from place import BOOT_SECONDS, KEY_DIR
from storage import Storage, copy_image, output

KEYS = ("--key", str(KEY_DIR / "key.pem"), "--x5c", str(KEY_DIR / "x5c.pem"))
MIB = 1024 * 1024
NAME = "update.pvrexport.tgz"
CONFIG = "etc/pantavisor.config"
COMMIT_DELAY = 5
# It ends when it is asked to.
PROGRAM = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 1000000 & wait"]
# With the first one the device boots anew, with the other one it does not.
MOTD, VERSION = "demo-system/etc/motd", "web/etc/version"


@pytest.fixture(scope="module")
def parts(desk: Desk) -> list[Path]:
    """The exports of a device that reads sticks."""
    root = desk.root("demo-system")
    config = desk.initramfs_file(CONFIG) + f"\nPV_UPDATER_COMMIT_DELAY={COMMIT_DELAY}\n".encode()
    return [
        desk.bsp({f"/{CONFIG}": config}),
        desk.export("demo-system"),
        desk.export("pv-usb"),
        desk.container("web", root, "--config", f"Entrypoint={json.dumps(PROGRAM)}", "--group", "app"),
    ]


@pytest.fixture(scope="module")
def made(desk: Desk, parts: list[Path]) -> Path:
    """That device."""
    return desk.image(parts)


def repository(desk: Desk, parts: list[Path], name: str, path: str) -> None:
    """The state of the device with a file laid over a container, which is not signed."""
    desk.pvr("init", name)
    for part in parts:
        desk.pvr("get", str(part), inside=name)
    desk.pvr("checkout", inside=name)
    note = desk.folder / name / "_config" / path
    note.parent.mkdir(parents=True)
    note.write_text(f"{name}, from a stick\n")
    desk.pvr("add", inside=name)
    desk.pvr("commit", inside=name)


def signed(desk: Desk, name: str) -> Path:
    """The export of a repository, of the next release."""
    desk.pvr("sig", *KEYS, "update", inside=name)
    desk.pvr("sig", "set", "--release", "2", *KEYS, inside=name)
    desk.pvr("export", f"../{name}.tgz", inside=name)
    return desk.folder / f"{name}.tgz"


@pytest.fixture(scope="module")
def exports(desk: Desk, parts: list[Path], made: Path) -> Path:
    """A folder with the export of the next release, and one of a state that is not signed."""
    repository(desk, parts, "signed", MOTD)
    desk.pvr("export", "../unsigned.tgz", inside="signed")
    return signed(desk, "signed").parent


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
    disk = tmp_path / made.name
    copy_image(made, disk)
    setup = qemu.Setup(disk, machine, (), persist=True, extra=attached(sticks))
    with qemu.Guest(setup) as running:
        looked = running.wait_for(r"revision (locals/usb-\S+) is being verified", timeout=BOOT_SECONDS)
        name = next(word for word in looked.split() if word.startswith("locals/usb-"))
        running.wait_for(rf"revision {name} COMMITTED", timeout=BOOT_SECONDS)
        # They are all there still.
        running.wait_for(rf"revision {name} RUNNING", timeout=BOOT_SECONDS)
        assert running.console.count("is being verified") == 1
        for trouble in ("Kernel panic", "Oops", "BUG:"):
            assert trouble not in running.console
    storage = Storage.of(disk)
    storage.replay(tmp_path)
    trail = f"/trails/{name}"
    progress = json.loads(storage.read(f"{trail}/.pv/progress", tmp_path))
    assert progress["status"] == "DONE"
    assert storage.read(f"{trail}/.pv/commitmsg", tmp_path) == NAME.encode()
    assert storage.read(f"{trail}/_config/demo-system/etc/motd", tmp_path) == b"signed, from a stick\n"
    for stick in sticks:
        if stick.name in ("linked.img", "unsigned.img"):
            # Nothing was written: not even the journal was replayed, nor a mount counted.
            subprocess.run(["e2fsck", "-fn", str(stick)], check=True, capture_output=True, timeout=600)
            assert "Mount count:              0" in output("dumpe2fs", "-h", str(stick))


def tried(console: str) -> list[str]:
    """The revisions that were verified because a stick asked for it, in order."""
    return re.findall(r"revision (locals/usb-\S+) is being verified", console)


def test_each_update_has_its_turn_whatever_sticks_it_comes_on(
    desk: Desk, parts: list[Path], made: Path, machine: str, tmp_path: Path
) -> None:
    """Two at once; then, in the place of one of them, the other's update again, and a third."""
    sticks = {}
    for name, path in {"boots": MOTD, "live": VERSION, "third": VERSION}.items():
        repository(desk, parts, name, path)
        sticks[name] = vfat(tmp_path / f"{name}.img", NAME, signed(desk, name))
    disk, monitor, again = tmp_path / made.name, tmp_path / "monitor", tmp_path / "again.img"
    copy_image(made, disk)
    copy_image(sticks["boots"], again)
    drives = attached([sticks["boots"], sticks["live"]])
    setup = qemu.Setup(disk, machine, (), persist=True, monitor=monitor, extra=drives)
    with qemu.Guest(setup) as running:
        wait_until(lambda: len(tried(running.console)) == 2)
        for name in tried(running.console):
            running.wait_for(rf"revision {name} (COMMITTED|UPDATED)", timeout=BOOT_SECONDS)
        # In the place of the one, so under its name, and behind it.
        for number, stick in ((1, again), (2, sticks["third"])):
            order(monitor, f"device_del stick{number}")
            order(monitor, f"drive_add 0 if=none,id=new{number},format=raw,file={stick}")
            order(monitor, f"device_add scsi-hd,drive=new{number},removable=on,scsi-id={number},bus=scsi.0")
        wait_until(lambda: len(tried(running.console)) == 3)
        last = tried(running.console)[2]
        running.wait_for(rf"revision {last} UPDATED", timeout=BOOT_SECONDS)
        assert len(set(tried(running.console))) == 3
    storage = Storage.of(disk)
    storage.replay(tmp_path)
    assert storage.read(f"/trails/{last}/_config/{VERSION}", tmp_path) == b"third, from a stick\n"
    # What is recorded of the last one is written behind the line that was waited for.
    for name in tried(running.console)[:2]:
        progress = json.loads(storage.read(f"/trails/{name}/.pv/progress", tmp_path))
        assert progress["status"] in ("DONE", "UPDATED")
