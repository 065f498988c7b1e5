# SPDX-License-Identifier: MIT
"""What a boot loader does with real kernels that do not come up: the contract of test_grub.py and
test_uboot.py, where a stand-in for the kernel prints what it was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from card import deploy, mounted
from devtools import guest as qemu
from made import Desk
from place import BOOT_SECONDS
from sim import tools
from storage import Storage, copy_image

PID_1 = "/usr/bin/pantavisor"
GOOD, NEXT = "locals/good", "locals/next"


@pytest.fixture(scope="module")
def settled(
    image: Path, start: Callable[..., qemu.Guest], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The disk of a device that had a good boot."""
    tools.need_root()
    disk = tmp_path_factory.mktemp("settled") / image.name
    copy_image(image, disk)
    with start(disk, persist=True) as running:
        running.wait_for(r"revision 0 is good, its boots are counted", timeout=BOOT_SECONDS)
    return disk


@pytest.fixture
def storage(settled: Path, tmp_path: Path) -> Storage:
    copy_image(settled, tmp_path / settled.name)
    return Storage.of(tmp_path / settled.name)


def test_power_that_is_cut_in_a_try_leads_back(
    storage: Storage, start: Callable[..., qemu.Guest], machine: str, tmp_path: Path
) -> None:
    with mounted(storage, tmp_path / "card") as card:
        deploy(card / "trails" / NEXT, card / "trails/0")
    with start(storage.image, persist=True) as running:
        running.wait_for(rf"pantavisor: booting revision {NEXT}", timeout=BOOT_SECONDS)
        running.wait_for(rf"revision {NEXT} verified", timeout=BOOT_SECONDS)
    with start(storage.image, persist=True) as running:
        running.wait_for(rf"revision {NEXT} had its try, going back to 0", timeout=BOOT_SECONDS)
        running.wait_for(rf"the try of revision {NEXT} is over, revision 0 stays", timeout=BOOT_SECONDS)
    storage.replay(tmp_path)
    assert storage.boot_environment(machine, tmp_path) == ("0", "", "")


def booted(console: str) -> list[str]:
    """The revisions in the order in which their kernels were started."""
    return re.findall(r"pantavisor: booting revision (\S+)", console)


def test_three_panics_of_what_is_committed_lead_to_the_last_good_revision_and_it_stays(
    storage: Storage, start: Callable[..., qemu.Guest], desk: Desk, tmp_path: Path
) -> None:
    panics = desk.bsp({PID_1: b"not a program\n"}, mode=0o755)
    with mounted(storage, tmp_path / "card") as card:
        deploy("--commit", card / "trails" / NEXT, card / "trails/0", panics)
    with start(storage.image, persist=True) as running:
        running.wait_for(rf"revision {NEXT} fails to start, taking 0", timeout=BOOT_SECONDS)
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
        assert running.console.count("Kernel panic - not syncing") == 3
        assert booted(running.console) == [NEXT] * 3 + ["0"]


def test_where_nothing_comes_up_all_are_taken_in_turn_until_the_console_says_so(
    desk: Desk, start: Callable[..., qemu.Guest], tmp_path: Path
) -> None:
    tools.need_root()
    made = Storage.of(desk.image([desk.bsp({PID_1: b"not a program\n"}, mode=0o755)]))
    with mounted(made, tmp_path / "card") as card:
        for revision in (GOOD, NEXT):
            deploy("--commit", card / "trails" / revision, card / "trails/0")
    with start(made.image, persist=True) as running:
        running.wait_for(
            rf"neither revision {NEXT} nor an earlier one starts; trying again in a minute",
            timeout=3 * BOOT_SECONDS,
        )
        assert booted(running.console) == [NEXT] * 3 + [GOOD] * 3 + ["0"] * 3
        assert running.console.count("Kernel panic - not syncing") == 9


def test_panics_are_counted_where_grub_has_lost_its_notes(
    storage: Storage, start: Callable[..., qemu.Guest], desk: Desk, machine: str, tmp_path: Path
) -> None:
    if machine.endswith("-uboot"):
        pytest.skip("U-Boot makes its notes by itself: see test_uboot.py")
    panics = desk.bsp({PID_1: b"not a program\n"}, mode=0o755)
    with mounted(storage, tmp_path / "card") as card:
        deploy("--commit", card / "trails" / NEXT, card / "trails/0", panics)
        (card / "boot/grubtry").unlink()
    with start(storage.image, persist=True) as running:
        running.wait_for(r"revision 0 COMMITTED", timeout=2 * BOOT_SECONDS)
        assert booted(running.console) == [NEXT] * 3 + ["0"]
        assert running.console.count("Kernel panic - not syncing") == 3
    storage.replay(tmp_path)
    assert storage.boot_environment(machine, tmp_path)[0] == "0"
    # GRUB counts there again.
    assert storage.read("/boot/grubtry", tmp_path).startswith(b"# GRUB Environment Block\n###")


def test_where_nothing_can_be_counted_a_panic_stops_and_what_runs_well_makes_the_notes_again(
    storage: Storage, start: Callable[..., qemu.Guest], desk: Desk, machine: str, tmp_path: Path
) -> None:
    if machine.endswith("-uboot"):
        pytest.skip("U-Boot makes its notes by itself: see test_uboot.py")
    panics = desk.bsp({PID_1: b"not a program\n"}, mode=0o755)
    with mounted(storage, tmp_path / "card") as card:
        deploy("--commit", card / "trails" / NEXT, card / "trails/0", panics)
        take_no_notes(card)
    with start(storage.image, persist=True) as running:
        running.wait_for(r"end Kernel panic - not syncing", timeout=BOOT_SECONDS)
        assert booted(running.console) == [NEXT]
    with mounted(storage, tmp_path / "card") as card:
        deploy("--commit", card / "trails" / GOOD, card / "trails/0")
        take_no_notes(card)
    with start(storage.image, persist=True) as running:
        running.wait_for(r"the boot loader cannot note what it boots", timeout=BOOT_SECONDS)
        running.wait_for(r"from now on a kernel that panics starts the device again", timeout=BOOT_SECONDS)
    with start(storage.image, persist=True) as running:
        running.wait_for(rf"revision {GOOD} is good, its boots are counted", timeout=BOOT_SECONDS)
        assert "no block takes notes" not in running.console


def take_no_notes(card: Path) -> None:
    """What GRUB may read there, and what it has no room in."""
    for name in ("grubenv", "grubenv2"):
        path = card / "boot" / name
        path.write_bytes(path.read_bytes().rstrip(b"#"))
    (card / "boot/grubtry").unlink()
