# SPDX-License-Identifier: MIT
"""A revision that is good at each boot, until a container that the system needs fails: the device does not
begin anew for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from card import deploy, mounted
from devtools import guest as qemu
from devtools import services
from made import Desk
from place import BOOT_SECONDS
from sim import tools
from storage import Storage

ANSWER_SECONDS = 600
FAULTS = 3
NEXT = "locals/next"
# A boot is good as soon as all containers run, so that GRUB's own count leads nowhere.
CONFIGURATION = b"""PV_SECUREBOOT_MODE=strict
PV_BOOTLOADER_TYPE=grub
PV_STORAGE_WAIT=30
PV_UPDATER_COMMIT_DELAY=0
"""
# No device reboots for a fault before 20 s: a container that lasts so long costs nothing.
BRIEF, STEADY = "sleep 20; exit 1", "exec sleep 1000000"


@dataclass(frozen=True)
class Loop:
    """A running device and its storage."""

    guest: qemu.Guest
    storage: Storage


def build(folder: Path, machine: str, bsp: Path, command: str) -> Path:
    """An image whose revision 0 runs ``command`` in a container that the system needs."""
    folder.mkdir()
    desk = Desk(folder, machine)
    # Of the group platform: one of app would recover.
    policy = ("--group", "platform", "--restart-policy", "system")
    words = ("--config", f'Entrypoint=["/bin/sh", "-c", "{command}"]', *policy)
    needed = desk.container("needed", desk.root("demo-system"), *words)
    return desk.image([bsp, desk.export("demo-system"), needed])


@pytest.fixture(scope="module")
def loops(
    machine: str, image: Path, start: Callable[..., qemu.Guest], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Loop, Loop]]:
    """Two devices, side by side since both wait most of the time: one whose committed revision has a good
    one before it, and one with the first revision alone.
    """
    tools.need_root()
    folder = tmp_path_factory.mktemp("loops")
    bsp = Desk(folder, machine).bsp({"/etc/pantavisor.config": CONFIGURATION})
    alone = Storage.of(build(folder / "brief", machine, bsp, BRIEF))
    storage = Storage.of(build(folder / "steady", machine, bsp, STEADY))
    with mounted(storage, folder / "card") as card, mounted(alone, folder / "other") as other:
        deploy("--commit", card / "trails" / NEXT, other / "trails/0")
    with ExitStack() as stack:
        with_previous, without = (
            Loop(stack.enter_context(start(each.image, persist=True)), each) for each in (storage, alone)
        )
        yield with_previous, without


def test_a_revision_that_fails_at_every_boot_makes_way_for_the_one_before(
    loops: tuple[Loop, Loop], tmp_path: Path
) -> None:
    loop, _ = loops
    for fault in range(1, FAULTS):
        loop.guest.wait_for(
            rf"fault {fault} of {FAULTS} that revision {NEXT} may have", timeout=BOOT_SECONDS
        )
    loop.guest.wait_for(rf"revision {NEXT} failed {FAULTS} times, returning to 0", timeout=BOOT_SECONDS)
    loop.guest.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
    assert loop.guest.console.count(f"revision {NEXT} verified") == FAULTS
    # GRUB did not count those boots: each was good for a while.
    assert loop.guest.console.count(f"revision {NEXT} is good, its boots are counted") == FAULTS
    page = services.ask_http(f"http://127.0.0.1:{loop.guest.port(8081)}/", timeout=ANSWER_SECONDS)
    assert "Pantavisor demo system" in page
    loop.guest.stop()
    loop.storage.replay(tmp_path)
    # Nor is there a way back to what failed.
    assert b"\npv_rev=0\npv_try=\npv_prev=\npv_end=" in loop.storage.read("/boot/grubenv", tmp_path)


def test_the_first_revision_stays_up(loops: tuple[Loop, Loop]) -> None:
    _, loop = loops
    loop.guest.wait_for(
        r"the system needs needed, and revision 0 has nothing to return to: the device stays up",
        timeout=BOOT_SECONDS,
    )
    page = services.ask_http(f"http://127.0.0.1:{loop.guest.port(8081)}/", timeout=ANSWER_SECONDS)
    assert "Pantavisor demo system" in page
    # Not even once does it begin anew.
    assert loop.guest.console.count("revision 0 verified") == 1 and "rebooting" not in loop.guest.console
