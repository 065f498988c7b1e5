# SPDX-License-Identifier: MIT
"""scripts/lock where the user can correct what is wrong: one sentence with a hint, exit status 2.
tests/bitbake has it with the real BitBake.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pantavisor.errors import FormatError
from pvbb import imagelock

LOCK = Path(__file__).parents[2] / "scripts/lock"
REFERENCE, DIGEST = "docker.io/library/nginx:1", f"sha256:{'a' * 64}"


def build(folder: Path, lock: Path) -> dict[str, str]:
    """An environment whose command bitbake reports an image for ``lock``."""
    report = json.dumps({"reference": REFERENCE, "lock": str(lock), "digest": DIGEST})
    (folder / "build").mkdir()
    program = folder / "bitbake"
    program.write_text(f"#!/bin/sh\nmkdir pvr-lock && cat >pvr-lock/web.json <<'END'\n{report}\nEND\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "BUILDDIR": str(folder / "build")}


def run(environment: dict[str, str], verb: str, *, stdout: str = "/dev/null") -> tuple[int, list[str]]:
    with open(stdout, "w") as stream:
        done = subprocess.run(
            [sys.executable, str(LOCK), verb, "web"], env={**environment, "LC_ALL": "C.UTF-8"},
            stdout=stream, stderr=subprocess.PIPE, text=True, timeout=600, check=False,
        )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


def test_what_the_tag_names_is_written(tmp_path: Path) -> None:
    lock = tmp_path / "images.lock.json"
    assert run(build(tmp_path, lock), "write") == (0, [])
    assert json.loads(lock.read_text()) == {"images": {REFERENCE: DIGEST}}


@pytest.mark.parametrize("place, problem", [
    ("missing/images.lock.json", "No such file or directory"),
    ("bitbake/images.lock.json", "Not a directory"),
    ("build", "is not a regular file"),
    ("/proc/images.lock.json", ""),  # where nothing can be made, not even by root
])  # fmt: skip
def test_a_lock_file_that_cannot_be_written_is_named(tmp_path: Path, place: str, problem: str) -> None:
    status, (sentence, hint) = run(build(tmp_path, tmp_path / place), "write")
    assert (status, hint[:8]) == (2, "  hint: ")
    assert sentence.startswith("lock: ") and f"{tmp_path / place}" in sentence and problem in sentence


@pytest.mark.parametrize("place", ["gone", "bitbake"])
def test_a_build_directory_that_is_none_is_named(tmp_path: Path, place: str) -> None:
    environment = {**build(tmp_path, tmp_path / "lock"), "BUILDDIR": str(tmp_path / place)}
    status, (sentence, hint) = run(environment, "check")
    assert (status, sentence) == (2, f"lock: BUILDDIR is {tmp_path / place}, which is not a directory")
    assert "oe-init-build-env" in hint


def test_a_bitbake_that_does_not_run_is_named(tmp_path: Path) -> None:
    environment = build(tmp_path, tmp_path / "lock")
    (tmp_path / "bitbake").write_text("#!/nonexistent\n")
    status, (sentence, hint) = run(environment, "write")
    assert status == 2 and str(tmp_path / "bitbake") in sentence and hint.startswith("  hint: ")


def test_output_that_cannot_be_written_is_no_traceback_and_loses_no_lock_file(tmp_path: Path) -> None:
    lock = tmp_path / "images.lock.json"
    status, (sentence, hint) = run(build(tmp_path, lock), "write", stdout="/dev/full")
    assert status == 2 and "No space left" in sentence and lock.exists()


DAMAGED = {
    "empty": b"",
    "a conflict": b"<<<<<<< HEAD\n{}\n=======\n",
    "no object": b"[]",
    "another object": b'{"images": [], "x": 1}',
    "a reference twice": f'{{"images": {{"{REFERENCE}": "{DIGEST}", "{REFERENCE}": "{DIGEST}"}}}}'.encode(),
    "a byte order mark": b'\xef\xbb\xbf{"images": {}}',
    "no UTF-8": b'{"images": {"\xe9": 1}}',
    "depth": b'{"images": ' + b"[" * 100000,
    "a number": f'{{"images": {{"{REFERENCE}": 5}}}}'.encode(),
    "a digest cut short": f'{{"images": {{"{REFERENCE}": "sha256:ab"}}}}'.encode(),
    "no tag": f'{{"images": {{"docker.io/library/nginx": "{DIGEST}"}}}}'.encode(),
    "no reference": f'{{"images": {{"": "{DIGEST}"}}}}'.encode(),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_lock_file_that_is_damaged_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / "images.lock.json"
    path.write_bytes(DAMAGED[name])
    with pytest.raises(FormatError) as caught:
        imagelock.read(path)
    assert str(path) in caught.value.message and caught.value.hint


def test_a_fifo_in_its_place_keeps_no_build_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "images.lock.json")
    with pytest.raises(FormatError, match="not a regular file"):
        imagelock.read(tmp_path / "images.lock.json")
