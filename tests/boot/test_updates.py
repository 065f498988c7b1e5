# SPDX-License-Identifier: MIT
"""What updates meet on a device: a full storage, steps that are not right, a cut while an object arrives, a
kernel that panics, and in the end a kernel and a PID 1 that are new.

After each the right revision runs, what became of the update is recorded, and nothing of it is left over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from control import Caller, add_programs, wait_until
from devtools import guest as qemu
from made import Desk
from pantavisor import keys
from pantavisor.state import State
from place import BOOT_SECONDS
from steps import answers, identity, names, progress, put_objects, put_part, running, signer
from storage import Storage

MANAGER = 8091
RELEASE = 2
BLOCK = 4096
PID_1 = "usr/bin/pantavisor"
VERSION, NEXT_VERSION = b"pantavisor 0.1.0, Linux", b"pantavisor 0.1.9, Linux"
# The kernel knows its length, so that more behind it makes another file and the same kernel.
MORE = b"\0" * 512
PANICS, NEXT = "locals/panics", "locals/next"
OBJECT = b"what arrives in two pieces\n" * 100_000


@pytest.fixture(scope="module")
def storage(desk: Desk) -> Storage:
    """A device that is managed, whose storage is full of an object that no revision needs."""
    root = desk.root("demo-system")
    add_programs(root, desk.machine)
    start = f'Entrypoint=["nc", "-ll", "-p", "{MANAGER}", "-e", "/relay", "/pantavisor/pv-ctrl"]'
    manager = desk.container("manager", root, "--config", start, "--role", "mgmt", "--group", "platform")
    exports = [desk.export("pantavisor-bsp"), desk.export("demo-system"), manager]
    storage = Storage.of(desk.image(exports, release=RELEASE))
    # Not zeros: debugfs writes no blocks for them. A few blocks are left for what a boot notes.
    content = b"\xff" * BLOCK * (storage.free_blocks() - 512)
    storage.add(f"/objects/{identity(content)}", content, desk.folder)
    return storage


class Device:
    """One that can be cut off and started again; what it wrote stays."""

    def __init__(self, setup: qemu.Setup) -> None:
        self.setup = setup
        self.start()

    def start(self) -> None:
        self.guest = qemu.Guest(self.setup).__enter__()

    def cut(self) -> None:
        self.guest.stop()
        self.start()


@pytest.fixture(scope="module")
def device(storage: Storage, machine: str) -> Iterator[Device]:
    running = Device(qemu.Setup(storage.image, machine, qemu.free_ports(MANAGER), persist=True))
    try:
        running.guest.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        yield running
    finally:
        running.guest.stop()


@pytest.fixture(scope="module")
def manager(device: Device) -> Caller:
    return Caller(device.guest.port(MANAGER))


def test_a_full_storage_takes_nothing_until_it_is_collected(manager: Caller) -> None:
    full = (507, {"Error": "Not enough disk space available"})
    state, path = running(manager), f"/objects/{identity(OBJECT)}"
    assert manager.ask("PUT", path, OBJECT) == full
    assert manager.ask("PUT", "/steps/locals/full", state.dumps()) == full
    assert names(manager) == {"0"} and manager.ask("HEAD", path)[0] == 404
    reclaimed = manager.ask("POST", "/storage/gc")[1]["reclaimed"]
    assert reclaimed > 16 * 1024 * 1024
    put_objects(manager, [OBJECT[:BLOCK]])
    assert manager.ask("POST", "/storage/gc")[1]["reclaimed"] >= BLOCK


def badly_signed(state: State) -> State:
    """One character of a signature differs."""
    envelope = dict(json.loads(state.dumps())["_sigs/bsp.json"])
    first = envelope["signature"][0]
    envelope["signature"] = ("A" if first != "A" else "B") + envelope["signature"][1:]
    return state.with_files({"_sigs/bsp.json": envelope})


def without_object(state: State) -> State:
    return keys.resign(state.with_files({"_config/manager/etc/none": "0" * 64}), signer())


def older(state: State) -> State:
    return keys.sign_set(state, signer(), RELEASE - 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (badly_signed, "_sigs/bsp.json"),
        (without_object, "0" * 64),
        (older, f"its release {RELEASE - 1} is older than {RELEASE}, which this device has had"),
    ],
)
def test_a_step_that_is_not_right_is_refused_with_the_reason(
    device: Device, manager: Caller, change: Callable[[State], State], reason: str
) -> None:
    # Its release counts once the first boot was good.
    device.guest.wait_for(r"revision 0 is good, its boots are counted", timeout=BOOT_SECONDS)
    status, answer = manager.ask("PUT", "/steps/locals/wrong", change(running(manager)).dumps())
    assert status == 422 and reason in answer["Error"]
    assert names(manager) == {"0"}


def test_an_object_with_another_content_is_refused(manager: Caller) -> None:
    path = f"/objects/{identity(OBJECT)}"
    assert manager.ask("PUT", path, OBJECT[::-1]) == (422, {"Error": "Object has bad checksum"})
    assert manager.ask("HEAD", path)[0] == 404 and manager.fields["Upload-Offset"] == "0"


def test_an_object_whose_second_piece_comes_after_a_cut_is_whole(device: Device, manager: Caller) -> None:
    path, half = f"/objects/{identity(OBJECT)}", len(OBJECT) // 2
    piece = f"bytes 0-{half - 1}/{len(OBJECT)}"
    assert manager.ask("PUT", path, OBJECT[:half], Content_Range=piece)[0] == 200
    device.cut()
    wait_until(lambda: answers(manager))
    assert manager.ask("HEAD", path)[0] == 404
    begin = int(manager.fields["Upload-Offset"])
    print(f"{begin} of {half} bytes were on the medium")
    assert begin <= half
    piece = f"bytes {begin}-{len(OBJECT) - 1}/{len(OBJECT)}"
    assert manager.ask("PUT", path, OBJECT[begin:], Content_Range=piece)[0] == 200
    assert manager.ask("GET", path) == (200, OBJECT)
    assert manager.ask("POST", "/storage/gc")[1]["reclaimed"] >= len(OBJECT)


def test_a_kernel_that_panics_leads_back(device: Device, manager: Caller, desk: Desk) -> None:
    put_part(manager, PANICS, desk.bsp({f"/{PID_1}": b"not a program\n"}, mode=0o755))
    assert manager.command("LOCAL_RUN", PANICS) == (200, None)
    device.guest.wait_for(r"bsp/\S+ needs a reboot", timeout=BOOT_SECONDS)
    device.guest.wait_for(r"Kernel panic - not syncing", timeout=BOOT_SECONDS)
    device.guest.wait_for(rf"the try of revision {PANICS} is over, revision 0 stays", timeout=BOOT_SECONDS)
    wait_until(lambda: answers(manager))
    assert progress(manager, PANICS, "ERROR")["status-msg"] == "Unexpected rollback"
    progress(manager, "0", "DONE")


@pytest.fixture(scope="module")
def kernel(desk: Desk) -> Path:
    """Another file of the same kernel."""
    path = desk.folder / "kernel"
    path.write_bytes(desk.kernel.read_bytes() + MORE)
    return path


def test_a_new_kernel_and_a_new_pid_1_are_kept(
    device: Device, manager: Caller, desk: Desk, kernel: Path
) -> None:
    old = desk.initramfs_file(PID_1)
    new = old.replace(VERSION, NEXT_VERSION)
    assert new != old, f"PID 1 does not print {VERSION!r} any more"
    put_part(manager, NEXT, desk.bsp({f"/{PID_1}": new}, kernel=kernel, mode=0o755))
    assert manager.command("LOCAL_RUN", NEXT) == (200, None)
    device.guest.wait_for(rf"{NEXT_VERSION.decode()} .* revision {NEXT}", timeout=BOOT_SECONDS)
    device.guest.wait_for(rf"revision {NEXT} TESTING", timeout=BOOT_SECONDS)
    device.guest.wait_for(rf"revision {NEXT} COMMITTED", timeout=BOOT_SECONDS)
    wait_until(lambda: answers(manager))
    progress(manager, NEXT, "DONE")
    assert names(manager) == {"0", PANICS, NEXT}
    assert manager.ask("POST", "/storage/gc")[0] == 200
    assert names(manager) == {"0", NEXT}


def test_nothing_is_left_over(
    device: Device, manager: Caller, storage: Storage, kernel: Path, machine: str, tmp_path: Path
) -> None:
    needed: set[str] = set()
    for name in ("0", NEXT):
        needed |= State.parse(json.dumps(manager.ask("GET", f"/steps/{name}")[1]).encode()).object_ids()
    assert manager.command("POWEROFF_DEVICE")[0] == 200
    device.guest.wait_end(timeout=BOOT_SECONDS)
    storage.replay(tmp_path)
    assert storage.boot_environment(machine, tmp_path) == (NEXT, "", "0")
    assert storage.names("/objects") - {".", ".."} == needed
    assert storage.names("/trails") - {".", ".."} == {"0", "current", "locals"}
    assert storage.names("/trails/locals") - {".", ".."} == {"next"}
    booted = storage.read(f"/trails/{NEXT}/.pv/pv-kernel.img", tmp_path)
    assert hashlib.sha256(booted).hexdigest() == identity(kernel.read_bytes())
