# SPDX-License-Identifier: MIT
"""Updates to containers that take all they can get, or do not listen, and away from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from control import Caller, add_programs, compile_for
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS
from steps import progress, put_part, running
from storage import Storage

MANAGER = 8091
CONFIG = "etc/pantavisor.config"
COMMIT_DELAY = 10
SOURCE = Path(__file__).parent / "hog.c"
WORDS: dict[str, tuple[str, ...]] = {
    "deaf": (),
    "forks": (),
    "mounts": ("--profile", "published"),
}


@pytest.fixture(scope="module")
def root(desk: Desk) -> Path:
    root = desk.root("demo-system")
    add_programs(root, desk.machine)
    compile_for(desk.machine, root / "hog", SOURCE)
    return root


@pytest.fixture(scope="module")
def device(desk: Desk, root: Path, machine: str) -> Iterator[qemu.Guest]:
    """It runs revision 0, with a container that manages it."""
    config = desk.initramfs_file(CONFIG) + f"\nPV_UPDATER_COMMIT_DELAY={COMMIT_DELAY}\n".encode()
    start = f'Entrypoint=["nc", "-ll", "-p", "{MANAGER}", "-e", "/relay", "/pantavisor/pv-ctrl"]'
    manager = desk.container("manager", root, "--config", start, "--role", "mgmt", "--group", "platform")
    disk = desk.image([desk.bsp({f"/{CONFIG}": config}), desk.export("demo-system"), manager])
    with qemu.Guest(qemu.Setup(disk, machine, qemu.free_ports(MANAGER), persist=True)) as running:
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        yield running


@pytest.mark.parametrize("kind", WORDS)
def test_an_update_brings_and_removes_a_container_that(
    kind: str, device: qemu.Guest, desk: Desk, root: Path
) -> None:
    manager = Caller(device.port(MANAGER))
    words = ("--config", f'Entrypoint=["/hog", "{kind}"]', "--group", "app", *WORDS[kind])
    before = running(manager)
    put_part(manager, f"locals/{kind}", desk.container(kind, root, *words))
    assert manager.command("LOCAL_RUN", f"locals/{kind}") == (200, None)
    device.wait_for(rf"revision locals/{kind} UPDATED", timeout=BOOT_SECONDS)
    progress(manager, f"locals/{kind}", "UPDATED")
    # And away from it again.
    assert manager.ask("PUT", f"/steps/locals/without-{kind}", before.dumps()) == (200, None)
    assert manager.command("LOCAL_RUN", f"locals/without-{kind}") == (200, None)
    device.wait_for(rf"revision locals/without-{kind} UPDATED", timeout=BOOT_SECONDS)
    assert progress(manager, f"locals/without-{kind}", "UPDATED")["progress"] == 100
    assert kind not in {document["name"] for document in manager.ask("GET", "/containers")[1]}
    assert "rebooting" not in device.console


def test_a_device_with_thousands_of_mounts_ends_in_time(device: qemu.Guest, desk: Desk, root: Path) -> None:
    """All is unmounted, in half a minute that it has for that."""
    manager = Caller(device.port(MANAGER))
    words = ("--config", 'Entrypoint=["/hog", "mounts"]', "--group", "app", *WORDS["mounts"])
    put_part(manager, "locals/many", desk.container("many", root, *words))
    assert manager.command("LOCAL_RUN", "locals/many") == (200, None)
    device.wait_for(r"revision locals/many UPDATED", timeout=BOOT_SECONDS)
    assert manager.command("POWEROFF_DEVICE") == (200, None)
    assert device.wait_end(timeout=BOOT_SECONDS) == 0
    end = device.console.partition("powering off")[2]
    assert "was busy" not in end and "cannot be unmounted" not in end
    header = Storage.of(device.setup.image).debugfs("show_super_stats -h")
    assert "Filesystem state:         clean" in header and "needs_recovery" not in header
