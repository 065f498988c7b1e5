# SPDX-License-Identifier: MIT
"""``kas menu`` itself, in a terminal: keys are pressed, and kas reads what was saved."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT
from sim import tools

KAS = Path(sys.executable).with_name("kas")
NEWT = Path("/usr/lib/python3/dist-packages")
SECONDS = 120
QUIET_SECONDS = 1
DOWN, SAVE = b"\033[B", b"\t\t\r"
# Rows of the menu, whose headings are counted. Of the machines the last is for scarthgap alone.
SCARTHGAP, STM32, KEYS = 1, 10, 11


def choose(folder: Path, *rows: int) -> None:
    """Go down to each row, press space there, then the second button, which saves."""
    screen, program = pty.openpty()
    subprocess.run(["stty", "rows", "40", "columns", "80"], stdin=program, check=True)
    with subprocess.Popen(
        [KAS, "menu", PROJECT / "kas/Kconfig"],
        cwd=folder, env=environment(folder), stdin=program, stdout=program, stderr=program,
    ) as menu:  # fmt: skip
        os.close(program)
        try:
            for start, to in zip((0, *rows), rows):
                drawn(screen)
                os.write(screen, DOWN * (to - start) + b" ")
            drawn(screen)
            os.write(screen, SAVE)
            menu.wait(SECONDS)
        finally:
            menu.kill()
            os.close(screen)
    assert menu.returncode == 0


def drawn(screen: int) -> None:
    """Wait for the whole menu. Keys that are pressed before are dropped."""
    text, end = "", time.monotonic() + SECONDS
    while select.select([screen], [], [], QUIET_SECONDS)[0] or "Help" not in text:
        assert time.monotonic() < end, text
        with contextlib.suppress(OSError):  # the menu has ended
            text += os.read(screen, 65536).decode(errors="replace")


def environment(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "KAS_WORK_DIR": str(folder),
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder / "newt"),
        "TERM": "linux",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where kas works, with the one module of the distribution that its menu imports."""
    found = [*NEWT.glob("snack.py"), *NEWT.glob("_snack.*.so")]
    if len(found) < 2:
        tools.miss("python3-newt is not here: apt install python3-newt")
    (tmp_path / "newt").mkdir()
    for path in found:
        (tmp_path / "newt" / path.name).symlink_to(path)
    return tmp_path


def test_what_is_chosen_in_the_menu_is_what_kas_builds(folder: Path) -> None:
    choose(folder, SCARTHGAP, STM32, KEYS)
    written = yaml.safe_load((folder / ".config.yaml").read_text())
    assert written["header"]["includes"] == [
        "kas/release/scarthgap.yml",
        "kas/machine/stm32mp15-disco.yml",
        "kas/feature/development-keys.yml",
        "kas/feature/set-signature.yml",
    ]
    # Without the clones: the menu's file includes nothing of them.
    skipped = ("repo_setup_loop", "finish_setup_repos", "repos_checkout", "repos_apply_patches")
    words = [word for step in skipped for word in ("--skip", step)]
    done = subprocess.run(
        [KAS, "dump", "--format", "json", *words],
        cwd=folder, env=environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    dumped = json.loads(done.stdout)
    assert dumped["machine"] == "stm32mp15-disco" and dumped["target"] == ["pantavisor-bsp"]
    assert {"openembedded-core", "meta-st-stm32mp"} <= set(dumped["repos"])
    assert "development-keys" in dumped["local_conf_header"]
