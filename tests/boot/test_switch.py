# SPDX-License-Identifier: MIT
"""Updates without a reboot: one container is another one in the new revision, the others run on."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from control import ANSWER_SECONDS, Caller, add_programs, wait_until
from devtools import guest as qemu
from made import Desk
from pantavisor import keys
from pantavisor.state import State
from place import BOOT_SECONDS, KEY_DIR
from sim import tools
from storage import Storage

SOCKET = "/pantavisor/pv-ctrl"
MANAGER, KEEPER, WEB = 8091, 8092, 8093
GOAL_SECONDS = 600
# What one start of a container knows and no other: the same text, the same process.
TOKEN = "cat /proc/sys/kernel/random/uuid > /token"
SERVE = "exec nc -ll -p {port} -e /bin/cat /token"
STARTS = {
    "manager": f"exec nc -ll -p {MANAGER} -e /relay {SOCKET}",
    "keeper": f"{TOKEN}; {SERVE.format(port=KEEPER)}",
    "web": "; ".join(
        [
            TOKEN,
            "[ -e /etc/lame ] || /pvcontrol signal ready",
            "[ ! -e /etc/short ] || { sleep 5; exit 3; }",
            SERVE.format(port=WEB),
        ]
    ),
}
# An emulated machine that is busy takes its time.
GROUPS = [
    {"name": name, "restart_policy": policy, "status_goal": "STARTED", "timeout": GOAL_SECONDS}
    for name, policy in (("platform", "system"), ("app", "container"))
]
WORDS = {
    "manager": ("--role", "mgmt", "--group", "platform"),
    "keeper": ("--group", "app"),
    "web": ("--status-goal", "READY", "--group", "app"),
}


@pytest.fixture(scope="module")
def disk(machine: str, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image of a device whose "manager" manages it, and whose "web" signals that it is ready."""
    tools.need_root()
    desk = Desk(tmp_path_factory.mktemp("switch"), machine)
    root = desk.root("demo-system")
    add_programs(root, machine)
    for name, text in STARTS.items():
        (root / name).write_text(f"#!/bin/sh\n{text}\n")
        (root / name).chmod(0o755)
    device = desk.folder / "device.json"
    device.write_text(json.dumps({"groups": GROUPS}))
    # demo-system brings the network up.
    exports = [desk.bsp({}, device=device), desk.export("demo-system")]
    exports += [
        desk.container(name, root, "--config", f'Entrypoint=["/bin/sh", "/{name}"]', *words)
        for name, words in WORDS.items()
    ]
    return desk.image(exports)


@pytest.fixture(scope="module")
def setup(machine: str, disk: Path) -> qemu.Setup:
    """What the device writes stays."""
    return qemu.Setup(disk, machine, qemu.free_ports(MANAGER, KEEPER, WEB), persist=True)


@pytest.fixture(scope="module")
def device(setup: qemu.Setup) -> Iterator[qemu.Guest]:
    """It runs revision 0."""
    with qemu.Guest(setup) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        yield running


@pytest.fixture(scope="module")
def manager(setup: qemu.Setup) -> Caller:
    return Caller(next(forward.host for forward in setup.forwards if forward.guest == MANAGER))


def token(device: qemu.Guest, port: int) -> str:
    """What the container's process made up when it started."""
    found = ""

    def ask() -> bool:
        nonlocal found
        try:
            with socket.create_connection(
                (qemu.LOOPBACK, device.port(port)), timeout=ANSWER_SECONDS
            ) as peer:
                found = peer.makefile().read().strip()
        except OSError:
            found = ""
        return bool(found)

    wait_until(ask)
    return found


def put_step(manager: Caller, name: str, files: dict[str, bytes]) -> None:
    """The running state with ``files`` added, signed again by the build's keys."""
    state = State.parse(json.dumps(manager.ask("GET", "/steps/current")[1]).encode())
    identities = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    for path, content in files.items():
        assert manager.ask("PUT", f"/objects/{identities[path]}", content)[0] == 200
    signer = keys.PemSigner.load(KEY_DIR / "key.pem", KEY_DIR / "x5c.pem")
    step = keys.resign(state.with_files(dict(identities)), signer)
    assert manager.ask("PUT", f"/steps/{name}", step.dumps()) == (200, None)


def progress(manager: Caller, name: str) -> dict[str, Any]:
    status, record = manager.ask("GET", f"/steps/{name}/progress")
    assert status == 200
    assert isinstance(record, dict)
    return record


def test_only_the_container_that_differs_begins_anew(device: qemu.Guest, manager: Caller) -> None:
    keeper, web = token(device, KEEPER), token(device, WEB)
    put_step(manager, "locals/live", {"_config/web/etc/version": b"2\n"})
    begun = time.monotonic()
    assert manager.command("LOCAL_RUN", "locals/live") == (200, None)
    # Another one has to wait, and nothing is collected meanwhile.
    assert manager.command("LOCAL_RUN", "0")[0] == 503
    device.wait_for(r"revision locals/live TESTING", timeout=BOOT_SECONDS)
    print(f"the new revision is tested {time.monotonic() - begun:.1f} s after it was asked for")
    assert progress(manager, "locals/live")["status"] == "TESTING"
    assert manager.command("RUN_GC")[0] == 503
    device.wait_for(r"revision locals/live UPDATED", timeout=BOOT_SECONDS)
    record = progress(manager, "locals/live")
    assert (record["status"], record["progress"]) == ("UPDATED", 100)
    assert token(device, KEEPER) == keeper
    assert token(device, WEB) != web
    assert "_config/web/etc/version" in manager.ask("GET", "/steps/current")[1]
    assert {group["status"] for group in manager.ask("GET", "/groups")[1]} == {"ACHIEVED"}
    assert "rebooting" not in device.console


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        ("locals/lame", "etc/lame", "Status goal not reached"),
        ("locals/short", "etc/short", "A container could not be started"),
    ],
)
def test_what_does_not_hold_is_left_again(
    device: qemu.Guest, manager: Caller, name: str, file: str, words: str
) -> None:
    keeper, web = token(device, KEEPER), token(device, WEB)
    put_step(manager, name, {f"_config/web/{file}": b""})
    assert manager.command("LOCAL_RUN", name) == (200, None)
    device.wait_for(rf"revision {name} is left", timeout=GOAL_SECONDS + BOOT_SECONDS)
    device.wait_for(rf"revision locals/live runs again, in the place of {name}", timeout=BOOT_SECONDS)
    record = progress(manager, name)
    assert (record["status"], record["status-msg"]) == ("ERROR", words)
    wait_until(lambda: {group["status"] for group in manager.ask("GET", "/groups")[1]} == {"ACHIEVED"})
    assert token(device, KEEPER) == keeper
    assert token(device, WEB) != web
    assert f"_config/web/{file}" not in manager.ask("GET", "/steps/current")[1]
    assert progress(manager, "locals/live")["status"] == "UPDATED"


def test_the_next_boot_commits_what_was_updated(device: qemu.Guest, manager: Caller) -> None:
    assert manager.command("REBOOT_DEVICE")[0] == 200
    device.wait_for(r"revision locals/live COMMITTED", timeout=BOOT_SECONDS)
    assert progress(manager, "locals/live")["status"] == "DONE"


def test_the_committed_revision_becomes_the_factory_one(device: qemu.Guest, manager: Caller) -> None:
    keeper = token(device, KEEPER)
    assert manager.command("MAKE_FACTORY") == (200, None)
    device.wait_for(r"revision 0 is made of revision locals/live", timeout=BOOT_SECONDS)
    device.wait_for(r"revision 0 UPDATED", timeout=BOOT_SECONDS)
    assert manager.ask("GET", "/steps/0") == manager.ask("GET", "/steps/locals/live")
    assert progress(manager, "0")["status"] == "UPDATED"
    # Nothing differs, so nothing begins again.
    assert token(device, KEEPER) == keeper


def test_a_cut_while_it_is_tested_boots_the_old_revision(
    device: qemu.Guest, setup: qemu.Setup, manager: Caller, tmp_path: Path
) -> None:
    put_step(manager, "locals/cut", {"_config/web/etc/version": b"3\n"})
    assert manager.command("LOCAL_RUN", "locals/cut") == (200, None)
    device.wait_for(r"revision locals/cut TESTING", timeout=BOOT_SECONDS)
    device.stop()
    with qemu.Guest(setup) as again:
        again.wait_for(r"revision 0 COMMITTED", timeout=BOOT_SECONDS)
        wait_until(lambda: answers(manager))
        record = progress(manager, "locals/cut")
        assert (record["status"], record["status-msg"]) == ("ERROR", "Unexpected rollback")
        assert manager.command("RUN_GC")[0] == 200
        assert {step["name"] for step in manager.ask("GET", "/steps")[1]} == {"0", "locals/live"}
        assert manager.command("POWEROFF_DEVICE")[0] == 200
        again.wait_end(timeout=BOOT_SECONDS)
    storage = Storage.of(setup.image)
    storage.replay(tmp_path)
    assert b"\npv_rev=0\npv_try=\npv_prev=locals/live\n" in storage.read("/boot/grubenv", tmp_path)
    assert storage.names("/trails") - {".", ".."} == {"0", "current", "locals"}
    assert storage.names("/trails/locals") - {".", ".."} == {"live"}


def answers(manager: Caller) -> bool:
    """False while the device boots."""
    try:
        return bool(manager.ask("GET", "/steps")[0] == 200)
    except (OSError, http.client.HTTPException):
        return False
