# SPDX-License-Identifier: MIT
"""Faults of a release that is signed and of a storage that is full: the device says what is wrong and stays
in hand.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from devtools import guest as qemu
from devtools import services
from monitor import press_reset
from pantavisor import verity
from place import BOOT_SECONDS
from release import manifest, replaced, sign_again
from storage import SECTOR_BYTES, Storage

SHORT_SECONDS = 600
BLOCK = 4096
JOURNAL_MAGIC = 0xC03B3998
COMMIT_BLOCK = 2
CHECKSUM = 1024 + 0x3FC  # of the superblock, in the second of its sectors
GROUP_CHECKSUM = BLOCK + 0x1E  # of the first group, whose descriptor is in the block after the superblock's
VICTIM = "demo-nginx"
# Seconds since 1970 at which a squashfs was made: nothing reads them.
SQUASHFS_DATE = 8


def check_clean(storage: Storage) -> None:
    """The journal is empty and the superblock says clean: nothing was cut off."""
    header = storage.debugfs("show_super_stats -h")
    assert "Filesystem state:         clean" in header and "needs_recovery" not in header


@pytest.fixture
def storage(copy: Path) -> Storage:
    return Storage.of(copy)


def test_bsp_volume_that_does_not_mount_stops_the_device_and_not_its_pid_1(
    storage: Storage, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    """The second of them: what the first one mounted goes before the storage is unmounted."""
    run = manifest(storage, "bsp/run.json", tmp_path, firmware="firmware.squashfs")
    files = {"bsp/firmware.squashfs": b"no file system" * 1000, "bsp/run.json": run}
    sign_again(storage, files, tmp_path)
    monitor = tmp_path / "monitor"
    extra = ("-monitor", f"unix:{monitor},server,nowait")
    with start(storage.image, persist=True, reboot=False, extra=extra) as running:
        running.wait_for(r"revision 0 verified", timeout=BOOT_SECONDS)
        running.wait_for(r"revision 0 is unusable: bsp: .*firmware.squashfs", timeout=SHORT_SECONDS)
        running.wait_for(r"this device stops here: \S", timeout=SHORT_SECONDS)
        # It still takes orders, and nothing of the revision was looked at.
        press_reset(running, monitor)
        running.wait_for(r"ending: rebooting", timeout=SHORT_SECONDS)
        assert running.wait_end(timeout=SHORT_SECONDS) == 0
        assert "container" not in running.console.split("revision 0 is unusable")[0].split("verified")[1]
        assert "RUNNING" not in running.console and "Kernel panic" not in running.console
        assert "was busy" not in running.console
    check_clean(storage)


def test_a_torn_superblock_is_repaired_before_the_mount(
    storage: Storage, start: Callable[..., qemu.Guest]
) -> None:
    """One sector of it is older than the other: GRUB reads it, no kernel mounts it."""
    with storage.image.open("r+b") as image:
        image.seek(storage.offset + CHECKSUM)
        checksum = image.read(4)
        image.seek(storage.offset + CHECKSUM)
        image.write(bytes(byte ^ 0x5A for byte in checksum))
    with start(storage.image, persist=True) as running:
        running.wait_for(r"the superblock of \S+ was torn: its checksum is repaired", timeout=BOOT_SECONDS)
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
    with start(storage.image) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        assert "was torn" not in running.console


def damage_the_first_group(storage: Storage) -> None:
    """No kernel mounts it; GRUB looks at no checksum."""
    with storage.image.open("r+b") as image:
        image.seek(storage.offset + GROUP_CHECKSUM)
        byte = image.read(1)[0]
        image.seek(storage.offset + GROUP_CHECKSUM)
        image.write(bytes([byte ^ 0xFF]))


def note_an_error(storage: Storage) -> None:
    """As the kernel does that finds one."""
    storage.debugfs("set_super_value state 3", write=True)


@pytest.mark.parametrize("damage", [damage_the_first_group, note_an_error])
def test_a_damaged_storage_is_repaired_by_e2fsck(
    storage: Storage, start: Callable[..., qemu.Guest], damage: Callable[[Storage], None]
) -> None:
    damage(storage)
    with start(storage.image, persist=True) as running:
        running.wait_for(r"/dev/\S+ is damaged: e2fsck repairs it", timeout=BOOT_SECONDS)
        running.wait_for(r"e2fsck has repaired /dev/\S+", timeout=SHORT_SECONDS)
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
    with start(storage.image) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        assert "e2fsck" not in running.console


def tear_the_last_commit(storage: Storage) -> None:
    """Leave the first sector of the journal's last commit block, and junk in its others.

    Layout: Documentation/filesystems/ext4/journal.rst of the kernel.
    """
    numbers = [int(number) for number in storage.debugfs("blocks <8>").split() if number.isdigit()]
    with storage.image.open("r+b") as image:
        commits = {}
        for number in numbers:
            image.seek(storage.offset + number * BLOCK)
            magic, kind, sequence = struct.unpack(">III", image.read(12))
            if magic == JOURNAL_MAGIC and kind == COMMIT_BLOCK:
                commits[sequence] = number
        image.seek(storage.offset + commits[max(commits)] * BLOCK + SECTOR_BYTES)
        image.write(b"\xa5" * (BLOCK - SECTOR_BYTES))


def test_a_torn_commit_of_the_journal_does_not_keep_the_device_from_its_storage(
    storage: Storage, start: Callable[..., qemu.Guest]
) -> None:
    """Linux 6.1 mounts no journal whose last commit block has a wrong checksum."""
    with start(storage.image, persist=True) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
    tear_the_last_commit(storage)
    with start(storage.image) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)


def test_container_that_ends_at_once_is_restarted_after_ever_longer_pauses(
    storage: Storage, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    conf, run = f"{VICTIM}/lxc.container.conf", f"{VICTIM}/run.json"
    files = {
        conf: replaced(storage, conf, "lxc.init.cmd", "lxc.init.cmd = /no/such/program", tmp_path),
        run: manifest(storage, run, tmp_path, auto_recovery={"policy": "always"}),
    }
    sign_again(storage, files, tmp_path)
    with start(storage.image) as running:
        for retry in range(1, 5):
            pause = 1000 << (retry - 1)
            running.wait_for(rf"{VICTIM} RECOVERING, retry {retry} in {pause} ms", timeout=BOOT_SECONDS)
        # What it does keeps nothing else from running.
        running.wait_for(r"container demo-system STARTED", timeout=1)
        assert "retry 1 in 0 ms" not in running.console


def test_full_storage_starts_all_containers_without_logs(
    storage: Storage, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    # Not zeros: debugfs writes no blocks for them.
    (tmp_path / "fill").write_bytes(b"\xff" * BLOCK * (storage.free_blocks() - 1))
    storage.debugfs("cd /", f"write {tmp_path}/fill fill", write=True)
    (tmp_path / "fill").unlink()
    with start(storage.image) as running:
        running.wait_for(r"storage: the storage is full", timeout=BOOT_SECONDS)
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        page = services.ask_http(f"http://127.0.0.1:{running.port(80)}/", timeout=SHORT_SECONDS)
        assert "Pantavisor demo nginx" in page


def verity_files(storage: Storage, data: bytes, scratch: Path) -> dict[str, object]:
    """The victim's root through dm-verity, with the hash tree of ``data``."""
    source, hashes = scratch / "root.squashfs", scratch / "root.squashfs.hash"
    source.write_bytes(data)
    made = verity.format(source, hashes)
    run = f"{VICTIM}/run.json"
    return {
        f"{VICTIM}/root.squashfs.hash": hashes.read_bytes(),
        f"{VICTIM}/_dm/root.squashfs.json": made.manifest(
            data_device="root.squashfs", hash_device="root.squashfs.hash"
        ),
        run: manifest(storage, run, scratch, **{"root-volume": "dm:root.squashfs"}),
    }


def test_container_runs_from_a_volume_with_verity(
    storage: Storage, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    data = storage.read(f"/trails/0/{VICTIM}/root.squashfs", tmp_path)
    sign_again(storage, verity_files(storage, data, tmp_path), tmp_path)
    monitor = tmp_path / "monitor"
    extra = ("-monitor", f"unix:{monitor},server,nowait")
    with start(storage.image, persist=True, reboot=False, extra=extra) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        page = services.ask_http(f"http://127.0.0.1:{running.port(80)}/", timeout=SHORT_SECONDS)
        assert "Pantavisor demo nginx" in page
        assert "is corrupted" not in running.console
        press_reset(running, monitor)
        assert running.wait_end(timeout=SHORT_SECONDS) == 0
    check_clean(storage)


def test_block_that_is_not_of_the_tree_is_never_read(
    storage: Storage, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    # A date that is never read: without verity this volume would mount, and its object has the right
    # digest.
    data = bytearray(storage.read(f"/trails/0/{VICTIM}/root.squashfs", tmp_path))
    files = verity_files(storage, bytes(data), tmp_path)
    data[SQUASHFS_DATE] ^= 1
    sign_again(storage, {**files, f"{VICTIM}/root.squashfs": bytes(data)}, tmp_path)
    with start(storage.image) as running:
        running.wait_for(r"revision 0 verified", timeout=BOOT_SECONDS)
        running.wait_for(
            rf"container {VICTIM} cannot be mounted: dm-verity of {VICTIM}/root.squashfs",
            timeout=BOOT_SECONDS,
        )
        running.wait_for(r"container demo-system STARTED", timeout=BOOT_SECONDS)
        assert f"container {VICTIM} STARTED" not in running.console
