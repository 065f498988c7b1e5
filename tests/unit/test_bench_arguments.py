# SPDX-License-Identifier: MIT
"""The benchmarks refuse a wrong word in one sentence with a hint, before anything is made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = sorted((Path(__file__).resolve().parents[1] / "bench").glob("bench_*.py"))


def refused(benchmark: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, benchmark, *words], capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    return done.stderr


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda path: path.stem)
def test_a_folder_that_does_not_exist_is_refused_with_a_hint(benchmark: Path, tmp_path: Path) -> None:
    said = refused(benchmark, "--folder", str(tmp_path / "nowhere"))
    assert f"{tmp_path}/nowhere is not a directory" in said and "hint: run: mkdir -p" in said


@pytest.mark.parametrize(
    ("name", "what"),
    [("bench_image", "case"), ("bench_rebuild", "case"), ("bench_device", "case"), ("bench_build", "step")],
)
def test_a_case_that_does_not_exist_is_refused_with_those_that_do(name: str, what: str) -> None:
    (benchmark,) = (path for path in BENCHMARKS if path.stem == name)
    said = refused(benchmark, "zstd:99")
    assert f"zstd:99 is not a {what}" in said and "hint: use one of: " in said


def test_a_block_size_that_is_not_measured_is_refused() -> None:
    (benchmark,) = (path for path in BENCHMARKS if path.stem == "bench_device")
    assert "100 is not a block size\n  hint: use one of: 128 " in refused(benchmark, "--block", "100")
