# SPDX-License-Identifier: MIT
"""What the containers of a device wrote, once it was shut down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from place import BOOT_SECONDS, PROJECT


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
