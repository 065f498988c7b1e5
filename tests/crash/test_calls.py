# SPDX-License-Identifier: MIT
"""Every power cut that the calls of an update allow by POSIX: the C program ``crash`` looks at them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2] / "build/test/crash/test/crash"
STATES = 100_000


def crash(*words: str) -> str:
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=3000)
    print(f"\n{done.stdout}{done.stderr}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


def test_a_device_comes_back_from_every_cut_and_every_call_that_fails() -> None:
    total = re.search(r"^(\d+) different states", crash(), re.MULTILINE)
    assert total and int(total[1]) >= STATES


def test_each_barrier_that_is_left_out_leaves_a_device_worse_off() -> None:
    lines = crash("barriers", "few").splitlines()
    assert len(lines) >= 13 and all(line.startswith("without ") for line in lines)
