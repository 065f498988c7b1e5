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
