# SPDX-License-Identifier: MIT
"""Running other programs: what fails says so, with a hint."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
from pantavisor import proc
from pantavisor.errors import NotFound


def test_output_comes_back() -> None:
    result = proc.run(["sh", "-c", "echo out; echo err >&2"])
    assert (result.status, result.stdout, result.stderr) == (0, b"out\n", b"err\n")


def test_a_given_environment_is_all_that_the_program_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOREIGN", "1")
    result = proc.run(["sh", "-c", 'echo "$A $FOREIGN"; pwd'], cwd=tmp_path, environment={"A": "a b"})
    assert result.stdout.splitlines() == [b"a b ", str(tmp_path).encode()]
    assert proc.run(["env"], environment={}).stdout == f"PATH={proc.PLAIN_PATH}\n".encode()
    assert b"FOREIGN=1\n" in proc.run(["env"]).stdout


def test_failure_reports_the_last_words_and_the_command() -> None:
    with pytest.raises(proc.ToolError, match="sh failed with status 3: first; second") as caught:
        proc.run(["sh", "-c", "echo first >&2; echo second >&2; exit 3"])
    assert "exit 3" in str(caught.value.hint)


def test_accepted_status_is_not_a_failure() -> None:
    assert proc.run(["sh", "-c", "exit 3"], accept=(0, 3)).status == 3


def test_missing_tool_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "SYSTEM_FOLDERS", "/nonexistent")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NotFound, match='"mke2fs" is not installed') as caught:
        proc.run(["mke2fs"])
    assert caught.value.hint == "run: apt install e2fsprogs"


def test_tools_of_the_administrator_are_found_without_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert str(proc.find("mke2fs")).endswith("/sbin/mke2fs")


def test_output_is_bounded_to_its_end() -> None:
    result = proc.run(["sh", "-c", "yes | head -c 3000000; echo end"])
    assert len(result.stdout) == proc.MAX_OUTPUT
    assert result.stdout.endswith(b"end\n")


def test_time_is_bounded() -> None:
    with pytest.raises(proc.ToolError, match="did not end within 0.2 seconds"):
        proc.run(["sleep", "999"], timeout=0.2)


def test_input_is_empty() -> None:
    assert proc.run(["cat"]).stdout == b""


def test_command_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        proc.run(["true", "a b"])
    (record,) = caplog.records
    assert record.message.startswith("run: /")
    assert record.message.endswith("/true 'a b'")


@pytest.mark.parametrize("script, timeout", [("sleep 999 & echo done", 600.0), ("sleep 999 & wait", 0.5)])
def test_a_program_that_another_outlives_is_not_awaited(script: str, timeout: float) -> None:
    begin = time.monotonic()
    try:
        assert proc.run(["sh", "-c", script], timeout=timeout).stdout == b"done\n"
    except proc.ToolError as error:
        assert "did not end within 0.5 seconds" in str(error)
    assert time.monotonic() - begin < 600
