# SPDX-License-Identifier: MIT
"""The command lines of the benchmarks: a mistake is one sentence with a hint, and nothing has been made by
then.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("bench_image.py --folder /nowhere", "/nowhere is not a directory"),
        ("bench_image.py --image /nowhere", "/nowhere is not an OCI layout"),
        ("bench_image.py --repeats 0", '"0" is not a number from 1 on'),
        ("bench_image.py fastest", "fastest is not a case"),
        ("bench_verify.py --folder /nowhere", "/nowhere is not a directory"),
        ("bench_verify.py --bytes many", '"many" is not a number from 1 on'),
    ],
)
def test_a_mistake_is_one_sentence(words: str, sentence: str) -> None:
    program, *rest = words.split()
    done = subprocess.run(
        [sys.executable, BENCH / program, *rest], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    *_, error, hint = done.stderr.splitlines()
    assert sentence in error and hint.startswith("  hint: ")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_interrupts_it_finds_nothing_left(number: int, status: int, tmp_path: Path) -> None:
    words = ["bench_rebuild.py", "--folder", tmp_path, "--from", BENCH, "--bytes", "100000", "balanced"]
    process = subprocess.Popen(
        [sys.executable, BENCH / words[0], *words[1:]],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and "processors" in process.stdout.readline()
    while not (builds := jobs_in(tmp_path)):
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == status and "Traceback" not in errors
    assert list(tmp_path.iterdir()) == [] and not jobs_in(tmp_path), builds


def jobs_in(folder: Path) -> list[bytes]:
    """The command lines of processes that work below ``folder``, but the benchmark itself."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in line and b"export-container" in line:
            found.append(line)
    return found


def test_a_program_that_fails_ends_it_in_a_sentence(tmp_path: Path) -> None:
    """As without a network, where the image cannot be made."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from bench import arguments; from bench.cost import measure\n"
        "arguments.run(lambda: measure(['false']), hint='use --image LAYOUT')"
    )
    words = [sys.executable, "-c", code, BENCH.parent]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (1, "false ended with 1\n  hint: use --image LAYOUT\n")
