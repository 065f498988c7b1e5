# SPDX-License-Identifier: MIT
"""The machine's watchdog: a device whose loop or whose storage hangs is reset, and what was tried is left.

The storage hangs as it would on a device: the disk takes no more writes, and a job of PID 1 waits for one.
The machine has a chip for that; the demonstration's kernel does not know it, and softdog does its work
(with DEB_KERNEL = "linux-image-amd64" it is the chip).
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from control import compile_for
from devtools import guest as qemu
from made import COMMAND, ENVIRONMENT, Desk
from monitor import order
from place import BOOT_SECONDS, PROJECT
from sim import tools
from storage import Storage
from test_try import mounted, progress

TRIED = "locals/next"
CONFIG = "etc/pantavisor.config"
# Bytes and operations of the disk a second, of writes alone; 0 takes a limit away.
STALLED, WORKING = "0 0 1 0 0 0", "0 0 0 0 0 0"
STUCK = "/usr/lib/stuck.so"
CHIP = ("-device", "i6300esb")


def device(desk: Desk, settings: bytes, files: Mapping[str, bytes] = MappingProxyType({})) -> Storage:
    """One of such settings, with a second revision deployed onto it."""
    tools.need_root()
    desk.folder.mkdir()
    config = desk.initramfs_file(CONFIG) + b"\n" + settings
    made = Storage.of(desk.image([desk.bsp({f"/{CONFIG}": config, **files}), desk.export("demo-system")]))
    with mounted(made, desk.folder / "card") as card:
        argv = [*COMMAND, "deploy", str(card / "trails" / TRIED), str(card / "trails/0")]
        subprocess.run(argv, env=ENVIRONMENT, check=True, capture_output=True, timeout=600)
    return made


def wait_for_the_return(running: qemu.Guest) -> None:
    """To revision 0, by a reset and nothing else."""
    running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
    running.wait_for(rf"the try of revision {TRIED} is over, revision 0 stays", timeout=BOOT_SECONDS)
    assert running.console.count("revision 0 verified") == 1
    assert "Kernel panic" not in running.console and "rebooting" not in running.console


def check_what_is_left(storage: Storage, folder: Path) -> None:
    storage.replay(folder)
    assert b"\npv_rev=0\npv_try=\npv_prev=\n" in storage.read("/boot/grubenv", folder)
    record = progress(storage, TRIED, folder)
    assert (record["status"], record["status-msg"]) == ("ERROR", "Unexpected rollback")


def test_a_loop_that_hangs_is_reset_and_the_try_is_left(machine: str, image: Path, tmp_path: Path) -> None:
    assert image.exists()
    library = tmp_path / "stuck.so"
    compile_for(machine, library, PROJECT / "tests/boot/stuck.c", how=("-shared", "-fPIC"))
    files = {STUCK: library.read_bytes(), "/etc/ld.so.preload": f"{STUCK}\n".encode()}
    storage = device(Desk(tmp_path / "desk", machine), b"PV_WDT_MODE=always\nPV_WDT_TIMEOUT=30\n", files)
    setup = qemu.Setup(storage.image, machine, qemu.free_ports(80), persist=True, extra=CHIP)
    with qemu.Guest(setup) as running:
        running.wait_for(r"a watchdog of 30 s watches this device", timeout=BOOT_SECONDS)
        # All its objects were read in between, for longer than that on a slow machine.
        running.wait_for(rf"revision {TRIED} verified", timeout=BOOT_SECONDS)
        running.wait_for(rf"revision {TRIED} had its try, going back to 0", timeout=BOOT_SECONDS)
        wait_for_the_return(running)
    check_what_is_left(storage, tmp_path)


def test_a_storage_that_hangs_is_reset_in_the_default_mode(
    machine: str, image: Path, tmp_path: Path
) -> None:
    assert image.exists()
    storage = device(Desk(tmp_path / "desk", machine), b"PV_WDT_TIMEOUT=30\n")
    monitor = tmp_path / "monitor"
    extra = (*CHIP, "-monitor", f"unix:{monitor},server,nowait")
    setup = qemu.Setup(storage.image, machine, qemu.free_ports(80), persist=True, extra=extra)
    with qemu.Guest(setup) as running:
        running.wait_for(rf"revision {TRIED} verified", timeout=BOOT_SECONDS)
        running.wait_for(r"container demo-system STARTED", timeout=BOOT_SECONDS)
        order(monitor, f"block_set_io_throttle disk {STALLED}")
        running.wait_for(r"pv-note hangs in the kernel", timeout=BOOT_SECONDS)
        running.wait_for(r"a watchdog of 30 s watches this device", timeout=BOOT_SECONDS)
        running.wait_for(rf"revision {TRIED} had its try, going back to 0", timeout=BOOT_SECONDS)
        order(monitor, f"block_set_io_throttle disk {WORKING}")
        wait_for_the_return(running)
    check_what_is_left(storage, tmp_path)
