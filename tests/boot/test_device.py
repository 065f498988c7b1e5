# SPDX-License-Identifier: MIT
"""The image boots: its revision runs, its containers answer from outside."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from devtools import guest as qemu
from devtools import services
from place import BOOT_SECONDS
from storage import Storage

ANSWER_SECONDS = 600


def test_revision_is_verified_before_anything_runs(device: qemu.Guest) -> None:
    verified = device.wait_for(r"revision 0 verified: \d+ objects, [3-9]\d* signatures", timeout=1)
    started = device.wait_for(r"container \S+ STARTED", timeout=1)
    console = device.console
    assert console.index(verified) < console.index(started)


@pytest.mark.parametrize("container", ["demo-system", "demo-nginx"])
def test_container_starts(device: qemu.Guest, container: str) -> None:
    device.wait_for(rf"container {container} STARTED", timeout=1)


def test_platform_group_is_achieved_before_the_apps(device: qemu.Guest) -> None:
    platform = device.wait_for(r"group platform ACHIEVED", timeout=1)
    app = device.wait_for(r"group app ACHIEVED", timeout=1)
    assert device.console.index(platform) < device.console.index(app)


def test_web_server_answers_from_outside(device: qemu.Guest) -> None:
    page = services.ask_http(f"http://127.0.0.1:{device.port(80)}/", timeout=ANSWER_SECONDS)
    assert "Pantavisor demo nginx" in page


def test_hard_link_of_the_image_is_there(device: qemu.Guest) -> None:
    page = services.ask_http(f"http://127.0.0.1:{device.port(80)}/demo.html", timeout=ANSWER_SECONDS)
    assert "Pantavisor demo nginx" in page


def test_system_container_answers_http(device: qemu.Guest) -> None:
    page = services.ask_http(f"http://127.0.0.1:{device.port(8081)}/", timeout=ANSWER_SECONDS)
    assert "Pantavisor demo system" in page


def test_system_container_answers_lines(device: qemu.Guest) -> None:
    line = services.ask_line(device.port(8082), timeout=ANSWER_SECONDS)
    assert line == "Pantavisor demo system line service"


def test_kernel_did_not_complain(device: qemu.Guest) -> None:
    for trouble in ("Kernel panic", "Oops", "BUG:", "EXT4-fs error", "SQUASHFS error"):
        assert trouble not in device.console


def test_a_disk_with_the_same_label_is_left_alone(
    image: Path, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    other = tmp_path / "other.img"
    with other.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024)
    subprocess.run(["sgdisk", "-n", "1:2048:0", str(other)], check=True, capture_output=True)
    ext4 = ["mke2fs", "-q", "-t", "ext4", "-L", "root", "-E", f"offset={2048 * 512}", str(other), "60M"]
    subprocess.run(ext4, check=True, capture_output=True)
    listing = subprocess.run(
        ["sgdisk", "-i", "2", str(image)], check=True, capture_output=True, text=True
    ).stdout
    identity = re.search(r"unique GUID: (\S+)", listing)
    assert identity
    # Its name, sda, comes before vda.
    extra = ("-drive", f"if=none,id=other,format=raw,file={other}", "-device", "virtio-scsi-pci")
    with start(image, extra=(*extra, "-device", "scsi-hd,drive=other")) as running:
        line = running.wait_for(r"PARTUUID=\S+ is /dev/[a-z]+[0-9]", timeout=BOOT_SECONDS)
        assert f"PARTUUID={identity[1].lower()} is /dev/vda2" in line
        running.wait_for(r"revision 0 verified", timeout=BOOT_SECONDS)


def test_second_boot_of_a_changed_image_runs_again(copy: Path, start: Callable[..., qemu.Guest]) -> None:
    for _ in range(2):
        with start(copy, persist=True) as running:
            running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)


def test_the_reboot_key_stops_containers_and_leaves_a_clean_file_system(
    copy: Path, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    monitor = tmp_path / "monitor"
    extra = ("-monitor", f"unix:{monitor},server,nowait")
    with start(copy, persist=True, reboot=False, extra=extra) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        with socket.socket(socket.AF_UNIX) as keys:
            keys.connect(str(monitor))
            keys.sendall(b"sendkey ctrl-alt-delete\n")
            running.wait_for(r"container demo-system ended", timeout=ANSWER_SECONDS)
            running.wait_for(r"rebooting", timeout=ANSWER_SECONDS)
            assert running.wait_end(timeout=ANSWER_SECONDS) == 0
    # The journal is empty and the superblock says clean: nothing was cut off.
    assert "Filesystem state:         clean" in (header := Storage.of(copy).debugfs("show_super_stats -h"))
    assert "needs_recovery" not in header
