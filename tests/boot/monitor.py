# SPDX-License-Identifier: MIT
"""Orders to QEMU's monitor, which listens on a socket: ``-monitor unix:<path>,server,nowait``."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from devtools import guest as qemu

SECONDS = 600


def order(monitor: Path, line: str) -> None:
    """Sends one line and closes: the monitor has read it when it answers to the next one."""
    with socket.socket(socket.AF_UNIX) as orders:
        orders.connect(str(monitor))
        orders.sendall(f"{line}\n".encode())
        time.sleep(1)


def press_reset(running: qemu.Guest, monitor: Path) -> None:
    """Ctrl-Alt-Del until it is heard: the keyboard's driver may be later than the first lines of PID 1."""
    for _ in range(SECONDS):
        order(monitor, "sendkey ctrl-alt-delete")
        if "Ctrl-Alt-Del" in running.console:
            return
    pytest.fail("PID 1 does not hear Ctrl-Alt-Del")
