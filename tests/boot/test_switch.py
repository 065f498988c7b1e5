# SPDX-License-Identifier: MIT
"""Updates without a reboot: one container is another one in the new revision, the others run on."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from control import ANSWER_SECONDS, Caller, add_programs, wait_until
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS
from steps import answers, names, progress, put_part, put_step
from storage import Storage

SOCKET = "/pantavisor/pv-ctrl"
MANAGER, KEEPER, WEB = 8091, 8092, 8093
CONFIG = "etc/pantavisor.config"
COMMIT_DELAY = 10
LAME = "locals/lame"
ROTTEN = "_config/web/etc/version"
# What one start of a container knows and no other: the same text, the same process.
TOKEN = "cat /proc/sys/kernel/random/uuid > /token"
SERVE = "exec nc -ll -p {port} -e /bin/cat /token"
STARTS = {
    "manager": f"exec nc -ll -p {MANAGER} -e /relay {SOCKET}",
    "keeper": f"{TOKEN}; {SERVE.format(port=KEEPER)}",
    "lame": "exec sleep 1000000",
    "web": "; ".join(
        [
            TOKEN,
            "/pvcontrol signal ready",
            "[ ! -e /etc/short ] || { sleep 5; exit 3; }",
            SERVE.format(port=WEB),
        ]
    ),
}
# The last one is of a container that never gets ready: it has no time, the others have all that they need.
GROUPS = [
    {"name": name, "restart_policy": policy, "status_goal": "STARTED", "timeout": timeout}
    for name, policy, timeout in (
        ("platform", "system", 600),
        ("app", "container", 600),
        ("late", "container", 1),
    )
]
WORDS = {
    "manager": ("--role", "mgmt", "--group", "platform"),
    "keeper": ("--group", "app"),
    "web": ("--status-goal", "READY", "--group", "app"),
}


@pytest.fixture(scope="module")
def root(desk: Desk) -> Path:
    """Of all containers."""
    root = desk.root("demo-system")
    add_programs(root, desk.machine)
    for name, text in STARTS.items():
        (root / name).write_text(f"#!/bin/sh\n{text}\n")
        (root / name).chmod(0o755)
    return root


def container(desk: Desk, root: Path, name: str, *words: str) -> Path:
    return desk.container(name, root, "--config", f'Entrypoint=["/bin/sh", "/{name}"]', *words)


@pytest.fixture(scope="module")
def disk(desk: Desk, root: Path) -> Path:
    """The image of a device whose "manager" manages it, and whose "web" signals that it is ready."""
    device = desk.folder / "device.json"
    device.write_text(json.dumps({"groups": GROUPS}))
    config = desk.initramfs_file(CONFIG) + f"\nPV_UPDATER_COMMIT_DELAY={COMMIT_DELAY}\n".encode()
    # demo-system brings the network up.
    exports = [desk.bsp({f"/{CONFIG}": config}, device=device), desk.export("demo-system")]
    return desk.image(exports + [container(desk, root, name, *words) for name, words in WORDS.items()])


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


def test_only_the_container_that_differs_begins_anew(device: qemu.Guest, manager: Caller) -> None:
    keeper, web = token(device, KEEPER), token(device, WEB)
    put_step(manager, "locals/live", {"_config/web/etc/version": b"2\n"})
    begun = time.monotonic()
    assert manager.command("LOCAL_RUN", "locals/live") == (200, None)
    # Another one has to wait, and nothing is collected meanwhile.
    assert manager.command("LOCAL_RUN", "0")[0] == 503
    device.wait_for(r"revision locals/live TESTING", timeout=BOOT_SECONDS)
    print(f"the new revision is tested {time.monotonic() - begun:.1f} s after it was asked for")
    progress(manager, "locals/live", "TESTING")
    assert manager.command("RUN_GC")[0] == 503
    device.wait_for(r"revision locals/live UPDATED", timeout=BOOT_SECONDS)
    print(f"and kept after {time.monotonic() - begun:.1f} s, {COMMIT_DELAY} s of which are its test")
    assert progress(manager, "locals/live", "UPDATED")["progress"] == 100
    assert token(device, KEEPER) == keeper
    assert token(device, WEB) != web
    assert "_config/web/etc/version" in manager.ask("GET", "/steps/current")[1]
    assert {group["status"] for group in manager.ask("GET", "/groups")[1]} == {"ACHIEVED"}
    assert "rebooting" not in device.console


def check_left(device: qemu.Guest, manager: Caller, name: str, words: str) -> None:
    """The revision was tested and left, and what ran before is there again."""
    device.wait_for(rf"revision {name} is left", timeout=BOOT_SECONDS)
    device.wait_for(rf"revision locals/live runs again, in the place of {name}", timeout=BOOT_SECONDS)
    assert progress(manager, name, "ERROR")["status-msg"] == words
    wait_until(lambda: {group["status"] for group in manager.ask("GET", "/groups")[1]} == {"ACHIEVED"})
    assert manager.ask("GET", "/steps/current") == manager.ask("GET", "/steps/locals/live")
    progress(manager, "locals/live", "UPDATED")


def test_a_container_that_never_gets_ready_ends_the_update(
    device: qemu.Guest, manager: Caller, desk: Desk, root: Path
) -> None:
    keeper, web = token(device, KEEPER), token(device, WEB)
    put_part(manager, LAME, container(desk, root, "lame", "--status-goal", "READY", "--group", "late"))
    assert manager.command("LOCAL_RUN", LAME) == (200, None)
    check_left(device, manager, LAME, "Status goal not reached")
    assert "lame" not in {document["name"] for document in manager.ask("GET", "/containers")[1]}
    assert (token(device, KEEPER), token(device, WEB)) == (keeper, web)


def test_a_container_that_ends_while_it_is_tested_ends_the_update(
    device: qemu.Guest, manager: Caller
) -> None:
    keeper, web = token(device, KEEPER), token(device, WEB)
    put_step(manager, "locals/short", {"_config/web/etc/short": b""})
    assert manager.command("LOCAL_RUN", "locals/short") == (200, None)
    check_left(device, manager, "locals/short", "A container could not be started")
    assert token(device, KEEPER) == keeper
    assert token(device, WEB) != web


def test_the_next_boot_commits_what_was_updated(device: qemu.Guest, manager: Caller) -> None:
    assert manager.command("REBOOT_DEVICE")[0] == 200
    device.wait_for(r"revision locals/live COMMITTED", timeout=BOOT_SECONDS)
    progress(manager, "locals/live", "DONE")


def test_the_committed_revision_becomes_the_factory_one(device: qemu.Guest, manager: Caller) -> None:
    keeper = token(device, KEEPER)
    assert manager.command("MAKE_FACTORY") == (200, None)
    device.wait_for(r"revision 0 is made of revision locals/live", timeout=BOOT_SECONDS)
    device.wait_for(r"revision 0 UPDATED", timeout=BOOT_SECONDS)
    assert manager.ask("GET", "/steps/0") == manager.ask("GET", "/steps/locals/live")
    progress(manager, "0", "UPDATED")
    # Nothing differs, so nothing begins again.
    assert token(device, KEEPER) == keeper


def test_a_cut_while_it_is_tested_boots_the_old_revision(
    device: qemu.Guest, setup: qemu.Setup, manager: Caller, tmp_path: Path
) -> None:
    put_step(manager, "locals/cut", {"_config/web/etc/version": b"3\n"})
    put_step(manager, "locals/rotten", {ROTTEN: b"4\n"})
    assert manager.command("LOCAL_RUN", "locals/cut") == (200, None)
    device.wait_for(r"revision locals/cut TESTING", timeout=BOOT_SECONDS)
    progress(manager, "locals/cut", "TESTING")
    device.stop()
    storage = Storage.of(setup.image)
    storage.replay(tmp_path)
    storage.flip(f"/trails/locals/rotten/{ROTTEN}")
    with qemu.Guest(setup) as again:
        again.wait_for(r"revision 0 COMMITTED", timeout=BOOT_SECONDS)
        wait_until(lambda: answers(manager))
        assert progress(manager, "locals/cut", "ERROR")["status-msg"] == "Unexpected rollback"
        # What rots on the medium is found before anything of it is used.
        assert manager.command("LOCAL_RUN", "locals/rotten") == (200, None)
        again.wait_for(r"revision locals/rotten is not tried: .*etc/version", timeout=BOOT_SECONDS)
        assert ROTTEN in progress(manager, "locals/rotten", "WONTGO")["status-msg"]
        assert manager.command("RUN_GC")[0] == 200
        assert names(manager) == {"0", "locals/live"}
        assert manager.command("POWEROFF_DEVICE")[0] == 200
        again.wait_end(timeout=BOOT_SECONDS)
    storage.replay(tmp_path)
    assert b"\npv_rev=0\npv_try=\npv_prev=locals/live\n" in storage.read("/boot/grubenv", tmp_path)
    assert storage.names("/trails") - {".", ".."} == {"0", "current", "locals"}
    assert storage.names("/trails/locals") - {".", ".."} == {"live"}
