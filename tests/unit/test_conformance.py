# SPDX-License-Identifier: MIT
"""docs/conformance.md is a table of claims: each one that something is there names tests that are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "meta-pantavisor/docs/conformance.md"
RUNTIME = PROJECT / "meta-pantavisor/recipes-pv/pantavisor/pantavisor/test"
TESTS = {path.name: path for path in (*PROJECT.glob("tests/*/test_*.py"), *RUNTIME.glob("test_*.c"))}
SHOWN, NOT_SHOWN = {"done", "part"}, {"no", "never"}
PUBLISHED = 19


def rows(columns: int) -> "Iterator[tuple[str, ...]]":
    """The cells of each row of the tables that are so wide, without their heads."""
    for line in PAGE.read_text().splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
        if line.startswith("| ") and len(cells) == columns and cells[0] not in ("row", "test"):
            yield cells


CLAIMS = list(rows(4))


@pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row[0])
def test_what_is_there_is_shown_by_tests_that_exist(row: "tuple[str, ...]") -> None:
    name, status, shown, remark = row
    tests = re.findall(r"`([^`]+)`", shown)
    assert status in SHOWN | NOT_SHOWN, f"{name}: {status} is not a status"
    assert bool(tests) == (status in SHOWN), f"{name} is {status}, and names {tests}"
    assert remark or status in ("done", "no"), f"{name} is {status}: say why"
    for test in tests:
        assert_is_there(name, test)


def assert_is_there(row: str, test: str) -> None:
    file, _, function = test.partition("::")
    assert file in TESTS, f"{row}: {file} is not there"
    opening = rf"^(def|static void) {function}\(" if function else ""
    assert re.search(opening, TESTS[file].read_text(), re.MULTILINE), f"{row}: {test} is not there"


def test_the_sums_are_those_of_the_tables() -> None:
    page = PAGE.read_text()
    for status in (*SHOWN, *NOT_SHOWN):
        count = sum(row[1] == status for row in CLAIMS)
        assert re.search(rf"\b{count} {status}\b", page), f"{count} rows are {status}"


def test_each_published_test_is_judged_once() -> None:
    judged = [row for row in rows(3) if re.match(r"L\d+ ", row[0])]
    assert [row[0].split()[0] for row in judged] == [f"L{number}" for number in range(1, PUBLISHED + 1)]
    for name, passes, because in judged:
        assert passes in ("yes", "part", "no"), f"{name}: {passes} is not a judgement"
        tests = re.findall(r"`(test_[^`]+)`", because)
        assert bool(tests) == (passes != "no"), f"{name} is {passes}, and names {tests}"
        for test in tests:
            assert_is_there(name, test)
