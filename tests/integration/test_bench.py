# SPDX-License-Identifier: MIT
"""The command lines of the benchmarks: a mistake is one sentence with a hint, and nothing has been made by
then.
"""

from __future__ import annotations

import subprocess
import sys
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
