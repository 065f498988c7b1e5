# SPDX-License-Identifier: MIT
"""scripts/lib/devtools/run_tests.py: suites side by side, those that rest on others, what is shown and
counted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from devtools import run_tests, suites
from devtools.run_tests import SuiteRun, Totals
from devtools.suites import Suite


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run_tests, "RESULTS", tmp_path)
    return tmp_path


def suite(name: str, code: str, *, after: tuple[str, ...] = ()) -> Suite:
    return Suite(name, ((sys.executable, "-c", code),), after=after)


def run(*suites: Suite) -> dict[str, bool]:
    return {outcome.suite.name: outcome.good for outcome in SuiteRun(dict(os.environ)).run(suites)}


def test_two_suites_run_side_by_side(tmp_path: Path) -> None:
    # Each ends well only when the other was there.
    wait = (
        "import os, time\nopen({!r}, 'w').close()\nfor _ in range(6000):\n"
        "    if os.path.exists({!r}): exit(0)\n"
        "    time.sleep(0.01)\nexit(1)"
    )
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    assert run(suite("one", wait.format(one, other)), suite("other", wait.format(other, one))) == {
        "one": True,
        "other": True,
    }


def test_what_rests_on_a_failed_suite_is_not_run(tmp_path: Path) -> None:
    found = run(
        suite("first", "exit(3)"), suite("last", f"open({str(tmp_path / 'ran')!r}, 'w')", after=("first",))
    )
    assert found == {"first": False, "last": False} and not (tmp_path / "ran").exists()
    assert (tmp_path / "last.log").read_text() == "not run: first failed\n"


def test_output_is_shown_whole_when_a_suite_ends(capfd: pytest.CaptureFixture[str]) -> None:
    words = suite("words", "import os; os.write(1, b'out'); os.write(2, b'err'); exit(1)")
    for outcome in SuiteRun(dict(os.environ)).run((words,)):
        run_tests.show(outcome)
    said = capfd.readouterr().out.splitlines()
    assert (
        said[:2] == ["", "=== words"]
        and said[2].startswith("outerr")
        and "=== words: FAILED in " in said[-1]
    )


def test_tests_are_counted_and_a_suite_without_a_list_is_one(results: Path) -> None:
    junit = results / "x.xml"
    junit.write_text(
        "<s><testcase/><testcase><failure/></testcase><testcase><skipped/></testcase>"
        "<testcase><error/></testcase></s>"
    )
    totals = Totals()
    totals.add(Suite("counted", (), junit), False)
    totals.add(Suite("single", ()), True)
    assert (totals.passed, totals.failed, totals.skipped, totals.broken) == (2, 2, 1, ["counted"])


def test_only_small_files_lie_in_memory(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tests, "MEMORY_BYTES", 0)
    monkeypatch.setattr(run_tests, "MEMORY", results)
    monkeypatch.delenv("TMPDIR", raising=False)
    command = (sys.executable, "-c", "import os, sys; sys.exit('TMPDIR' not in os.environ)")
    with run_tests.memory() as place:
        assert place is not None and Path(place).stat().st_mode & 0o777 == 0o755
        run = SuiteRun(run_tests.environment(), place)
        suites = (Suite("images", (command,)), Suite("small", (command,), small_files=True))
        found = {outcome.suite.name: outcome.good for outcome in run.run(suites)}
    assert found == {"images": False, "small": True} and not Path(place).exists()


def test_nothing_lies_in_a_small_memory_or_where_another_place_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_tests, "MEMORY_BYTES", 2**63)
    monkeypatch.delenv("TMPDIR", raising=False)
    assert not run_tests.fits_in_memory()
    monkeypatch.setattr(run_tests, "MEMORY_BYTES", 0)
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    assert not run_tests.fits_in_memory()


def test_what_is_run_by_hand_is_in_no_suite() -> None:
    (boot,) = (suite for suite in suites.slow() if suite.name == "boot")
    ignored = {word.partition("=")[2] for word in boot.commands[0] if word.startswith("--ignore=")}
    others = {*suites.LOADER, *suites.UPDATES, *suites.UBOOT, suites.CUTS}
    assert ignored == {*others, *suites.BY_HAND}
    assert all((suites.PROJECT / path).is_file() for path in ignored)


def test_each_reader_that_is_fuzzed_has_inputs() -> None:
    (fuzz,) = (suite for suite in suites.slow() if suite.name == "fuzz")
    corpora = [Path(command[4]) for command in fuzz.commands]
    assert [path.name for path in corpora] == list(suites.FUZZED)
    assert all(any(path.iterdir()) for path in corpora)
