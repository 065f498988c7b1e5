# SPDX-License-Identifier: MIT
"""The cheap form of tests/fresh/run: on bare roots every package can be had, and the quickstart is set up
and parsed.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from fresh import machine
from sim import tools

RUN = Path(__file__).resolve().parent / "run"


@pytest.fixture(autouse=True)
def rights() -> None:
    tools.need_root()
    tools.need("mmdebstrap", package="mmdebstrap")
    tools.need("slirp4netns", package="slirp4netns")
    if subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--net", "true"], capture_output=True
    ).returncode:
        pytest.skip("this takes the right to make name spaces, which root does not have here")


def run(suite: str, work: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """How it ended, and the results of its three steps."""
    words = [RUN, suite, "--command", "parse", "--work", work]
    done = subprocess.run(words, capture_output=True, text=True, timeout=3600)
    return done, [line.split("|")[2].strip() for line in done.stdout.splitlines()[-3:]]


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_a_bare_root_parses_the_quickstart(suite: str, tmp_path: Path) -> None:
    done, results = run(suite, tmp_path)
    assert (done.returncode, results) == (0, ["ok", "ok", "ok"]), done.stdout + done.stderr
    assert not (tmp_path / f"{suite}-root" / "root").exists()


def test_a_machine_that_cannot_be_made_is_a_failure(tmp_path: Path) -> None:
    done, results = run("nosuch", tmp_path)
    assert (done.returncode, results) == (1, ["FAILED (1)", "not run", "not run"])


def test_the_network_waits_for_the_name_spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it is this machine that gets another interface and another route."""
    slow = tmp_path / "unshare"
    slow.write_text('#!/bin/sh\nsleep 0.5\nexec /usr/bin/unshare "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setattr(
        machine, "environment", lambda: {"PATH": f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    with open(tmp_path / "log", "wb") as log:
        assert machine.enter(["cat", "/proc/net/dev"], log) == 0
    assert "tap0:" in (tmp_path / "log").read_text()
