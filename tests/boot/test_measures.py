# SPDX-License-Identifier: MIT
"""How much memory PID 1 has, and how soon it answers: idle, while an object arrives, and while it is
updated.

Nothing is judged: the numbers of an emulated machine are printed, for docs/durability.md.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from control import Caller, add_programs, compile_for
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS, PROJECT
from steps import identity, put_step

MANAGER = 8091
MIB = 1024 * 1024
PID_1 = "usr/bin/pantavisor"
WINDOW = re.compile(r"probe: anon (\d+) peak (\d+) kB, answers (\d+) mean (\d+) worst (\d+) us")


@pytest.fixture(scope="module")
def device(machine: str, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[qemu.Guest]:
    """With a probe next to PID 1, and a container that is managed by another one."""
    assert image.exists()
    desk = Desk(tmp_path_factory.mktemp("measures"), machine)
    compile_for(machine, desk.folder / "probe", PROJECT / "tests/boot/probe.c")
    files = {
        f"/{PID_1}": (desk.folder / "probe").read_bytes(),
        f"/{PID_1}.real": desk.initramfs_file(PID_1),
    }
    root = desk.root("demo-system")
    add_programs(root, machine)
    relay = f'Entrypoint=["nc", "-ll", "-p", "{MANAGER}", "-e", "/relay", "/pantavisor/pv-ctrl"]'
    exports = [
        desk.bsp(files, mode=0o755),
        desk.export("demo-system"),
        desk.container("manager", root, "--config", relay, "--role", "mgmt", "--group", "platform"),
        desk.container("web", root, "--config", 'Entrypoint=["sleep", "1000000"]', "--group", "app"),
    ]
    made = desk.image(exports, size=512 * MIB)
    with qemu.Guest(qemu.Setup(made, machine, qemu.free_ports(MANAGER))) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        yield running


def windows(device: qemu.Guest, since: int) -> str:
    """What the probe saw of the console from there on."""
    found = [tuple(map(int, match)) for match in WINDOW.findall(device.console[since:])]
    assert found, "the probe saw nothing"
    anons, peaks, counts, means, worsts = zip(*found)
    mean = sum(count * each for count, each in zip(counts, means)) / max(1, sum(counts))
    return (
        f"anonymous memory {anons[-1]} kB, at its peak {max(peaks)} kB; of {sum(counts)} answers "
        f"one took {mean / 1000:.1f} ms, the slowest {max(worsts) / 1000:.1f} ms"
    )


def idle(device: qemu.Guest) -> int:
    """Ten windows later."""
    since = len(device.console)
    for _ in range(BOOT_SECONDS):
        if len(WINDOW.findall(device.console[since:])) >= 10:
            return since
        time.sleep(1)
    pytest.fail("the probe is silent")


def test_measures(device: qemu.Guest) -> None:
    manager, content = Caller(device.port(MANAGER)), os.urandom(100 * MIB)
    device.wait_for(r"revision 0 is good", timeout=BOOT_SECONDS)
    print(f"\nidle, three containers: {windows(device, idle(device))}")
    since, begun = len(device.console), time.monotonic()
    assert manager.ask("PUT", f"/objects/{identity(content)}", content)[0] == 200
    print(f"an object of 100 MiB, in {time.monotonic() - begun:.1f} s: {windows(device, since)}")
    put_step(manager, "locals/next", {"web/large": content, "_config/web/etc/version": b"2\n"})
    since, begun = len(device.console), time.monotonic()
    assert manager.command("LOCAL_RUN", "locals/next") == (200, None)
    device.wait_for(r"revision locals/next TESTING", timeout=BOOT_SECONDS)
    tested = time.monotonic() - begun
    device.wait_for(r"revision locals/next UPDATED", timeout=BOOT_SECONDS)
    kept = time.monotonic() - begun
    print(f"an update without a reboot, tested after {tested:.1f} s, kept after {kept:.1f} s: "
          f"{windows(device, since)}")  # fmt: skip
    print(f"idle again: {windows(device, idle(device))}")
