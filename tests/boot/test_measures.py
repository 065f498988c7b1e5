# SPDX-License-Identifier: MIT
"""How much memory PID 1 has, and how long a turn of its loop takes: while it is only asked, while an object
arrives, and while it is updated.

Nothing is judged: the numbers of an emulated machine are printed, for docs/durability.md.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from control import Caller, add_programs, compile_for
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS, PROJECT
from steps import put_step

MANAGER = 8091
MIB = 1024 * 1024
TURNS = "/usr/lib/turns.so"
LINE = re.compile(r"turns: (\d+), longest (\d+) us, worked (\d+) us, asleep (\d+) us, memory (\d+) kB")
IDLE = 20
# It ends when it is asked to.
PROGRAM = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 1000000 & wait"]
STAMPED = re.compile(r"^\[ *(\d+\.\d+)\] \S+ +(.*)$", re.MULTILINE)
# The guest's time is that of its instructions, two nanoseconds each, however busy this machine is.
PACE = ("-icount", "shift=1")


@pytest.fixture(scope="module")
def device(machine: str, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[qemu.Guest]:
    """Its PID 1 measures itself, and a container manages it and another one."""
    assert image.exists()
    desk = Desk(tmp_path_factory.mktemp("measures"), machine)
    library = desk.folder / "turns.so"
    compile_for(machine, library, PROJECT / "tests/boot/turns.c", how=("-shared", "-fPIC"))
    files = {TURNS: library.read_bytes(), "/etc/ld.so.preload": f"{TURNS}\n".encode()}
    root = desk.root("demo-system")
    add_programs(root, machine)
    relay = f'Entrypoint=["nc", "-ll", "-p", "{MANAGER}", "-e", "/relay", "/pantavisor/pv-ctrl"]'
    exports = [
        desk.bsp(files),
        desk.export("demo-system"),
        desk.container("manager", root, "--config", relay, "--role", "mgmt", "--group", "platform"),
        desk.container("web", root, "--config", f"Entrypoint={json.dumps(PROGRAM)}", "--group", "app"),
    ]
    made = desk.image(exports, size=512 * MIB)
    setup = qemu.Setup(made, machine, qemu.free_ports(MANAGER), extra=PACE)
    with qemu.Guest(setup) as running:
        running.wait_for(r"revision 0 is good", timeout=BOOT_SECONDS)
        yield running


@contextmanager
def measured(device: qemu.Guest, what: str) -> Iterator[None]:
    """Prints what PID 1 did meanwhile; it is asked all the time, so that its loop turns."""
    since, begun, ended = len(device.console), time.monotonic(), threading.Event()

    def ask() -> None:
        while not ended.wait(0.1):
            Caller(device.port(MANAGER)).ask("GET", "/groups")

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        ended.set()
        asking.join()
    found = [tuple(map(int, match)) for match in LINE.findall(device.console[since:])]
    assert found, "PID 1 measured nothing"
    turns, longest, worked, asleep, memory = zip(*found)
    took, busy, slept = (max(times) / 1000 for times in (longest, worked, asleep))
    print(
        f"{what}, {time.monotonic() - begun:.1f} s: {sum(turns)} turns, with {max(memory)} kB; "
        f"at most one took {took:.1f} ms, worked {busy:.1f} ms, was asleep {slept:.1f} ms"
    )


def test_measures(device: qemu.Guest) -> None:
    manager, content = Caller(device.port(MANAGER)), os.urandom(100 * MIB)
    print()
    with measured(device, "idle with three containers"):
        time.sleep(IDLE)
    # What an update of one container costs, without a transfer to speak of.
    put_step(manager, "locals/small", {"_config/web/etc/version": b"1\n"})
    since = len(device.console)
    assert manager.command("LOCAL_RUN", "locals/small") == (200, None)
    device.wait_for(r"revision locals/small UPDATED", timeout=BOOT_SECONDS)
    for moment, line in STAMPED.findall(device.console[since:]):
        print(f"{moment} {line}")
    with measured(device, "an object of 100 MiB arrives, and a step with it"):
        put_step(manager, "locals/next", {"web/large": content, "_config/web/etc/version": b"2\n"})
    with measured(device, "it is read and takes its place"):
        assert manager.command("LOCAL_RUN", "locals/next") == (200, None)
        device.wait_for(r"revision locals/next TESTING", timeout=BOOT_SECONDS)
    with measured(device, "it is tested and kept"):
        device.wait_for(r"revision locals/next UPDATED", timeout=BOOT_SECONDS)
    with measured(device, "idle again"):
        time.sleep(IDLE)
