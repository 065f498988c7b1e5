# SPDX-License-Identifier: MIT
"""Subjects of commits, as CONTRIBUTING.md asks for them: those that are not on main yet."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CHARS = 80
MAINS = ("origin/main", "main")


def areas() -> set[str]:
    """The modules of floors.md, the folders of tests, the commands in scripts, and the list of the page."""
    page = (PROJECT / "CONTRIBUTING.md").read_text().partition("- Commit messages:")[2].partition("\n- ")[0]
    listed = page.partition("or one of")[2].partition(".")[0]
    floors = (PROJECT / "meta-pantavisor/docs/floors.md").read_text()
    return {
        *re.findall(r"`([\w-]+)`", listed),
        *re.findall(r"^\| \d[^|]*\| `(\w+)`", floors, re.MULTILINE),
        *(f"tests/{path.name}" for path in (PROJECT / "tests").iterdir() if path.is_dir()),
        *(f"scripts/{path.name}" for path in (PROJECT / "scripts").iterdir() if path.is_file()),
    }


def fault(subject: str, known: set[str]) -> str:
    """What is wrong with a subject; empty where nothing is."""
    if re.match(r"Revert \"|Merge ", subject):
        return ""
    named, colon, rest = subject.partition(": ")
    if not colon or not re.match(r"\S", rest):
        return "is not of the form 'area: verb what'"
    unknown = [area for area in named.split(", ") if area not in known]
    if unknown:
        return f"has the area {unknown[0]!r}, which CONTRIBUTING.md does not list"
    return f"is longer than {CHARS} characters" if len(subject) > CHARS else ""


def own() -> list[str]:
    """The subjects of this branch; none on main, and where there is no git."""
    found = [name for name in MAINS if not git("rev-parse", "-q", "--verify", name).returncode]
    return git("log", "--format=%s", "HEAD", "--not", *found).stdout.splitlines() if found else []


def git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(PROJECT), *words], capture_output=True, text=True, timeout=600, check=False
    )


def test_subjects_of_this_branch_have_a_listed_area_and_80_characters() -> None:
    known = areas()
    assert [f"{subject!r} {fault(subject, known)}" for subject in own() if fault(subject, known)] == []


@pytest.mark.parametrize(
    "subject",
    ["registry: wait for what Retry-After asks", "app, cli: add a volume", "tests/boot: cut the power",
     "runtime: x", "pv-sdk: answer", "scripts/test: run", 'Revert "runtime: x"', "docs: " + "x" * 74],
)  # fmt: skip
def test_subjects_that_are_right(subject: str) -> None:
    assert fault(subject, areas()) == ""


@pytest.mark.parametrize(
    ("subject", "words"),
    [("fix things", "form"), ("runtime:no blank", "form"), ("docs: ", "form"), ("misc: x", "area 'misc'"),
     ("docs, misc: x", "area 'misc'"), ("docs: " + "x" * 75, "longer than 80")],
)  # fmt: skip
def test_subjects_that_are_wrong(subject: str, words: str) -> None:
    assert words in fault(subject, areas())
