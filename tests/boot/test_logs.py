# SPDX-License-Identifier: MIT
"""What the containers of a device wrote, once it was shut down."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from debpkg import cpio
from devtools import guest as qemu
from place import BOOT_SECONDS, PROJECT

CONFIG = b"""\
PV_SECUREBOOT_MODE=strict
PV_STORAGE_DEVICE=LABEL=root
PV_STORAGE_WAIT=60
PV_LOG_SERVER_OUTPUTS=filetree,stdout.containers
"""


def test_a_run_ends_with_the_whole_logs_of_all_containers(image: Path, machine: str) -> None:
    words = [sys.executable, PROJECT / "scripts/qemu", image, "--machine", machine, "--port", "0:80"]
    words += ["--until", "revision 0 RUNNING", "--timeout", str(BOOT_SECONDS), "--logs"]
    # The page is reached by the address that demo-system notes.
    words += ["--check-http", "http://127.0.0.1:{80}/", "Pantavisor demo nginx"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=3 * BOOT_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr
    assert "demo-system: demo-system: eth0 has 10.0.2.15" in done.stdout
    # The last line before the storage is closed.
    last = [line for line in done.stdout.splitlines() if line.startswith("pantavisor: ")][-1]
    assert last.endswith("ending: rebooting")


def test_the_console_has_the_lines_of_containers_where_that_is_configured(
    copy: Path, start_with: Callable[..., qemu.Guest]
) -> None:
    with start_with(copy, "", {"etc/pantavisor.config": cpio.file(CONFIG)}) as running:
        running.wait_for(r"^demo-system \| demo-system: eth0 has 10\.0\.2\.15", timeout=BOOT_SECONDS)
        running.wait_for(r"revision 0 RUNNING", timeout=BOOT_SECONDS)
    lines = [line for line in running.console.splitlines() if " | " in line]
    # Those of the boot before are not shown again, and none is shown twice.
    assert len([line for line in lines if "eth0 has" in line]) == 1


def test_the_console_has_no_lines_of_containers_otherwise(device: qemu.Guest) -> None:
    assert "demo-system | " not in device.console
