# SPDX-License-Identifier: MIT
"""The record of resolved packages: what it refuses, and when it counts as complete."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from debpkg import record
from debpkg.errors import DebError

REQUEST = record.Request("debian:bookworm", "amd64", ("libx-dev",), ("lib*", "zlib1g"))
DATA = b"a package"
PACKAGE = record.Package(
    "libx", "1:2.3-4+b1", "amd64", hashlib.sha256(DATA).hexdigest(), "libx_1%3a2.3-4+b1_amd64.deb"
)
OTHER = record.Package("liba", "1~rc1", "all", hashlib.sha256(b"").hexdigest(), "liba_1~rc1_all.deb")


def test_a_record_is_sorted_and_read_back() -> None:
    text = record.dumps(REQUEST, [PACKAGE, OTHER])
    assert text.splitlines()[1].startswith("liba ")
    assert record.parse(text, request=REQUEST) == (OTHER, PACKAGE)


def test_the_answer_to_another_request_is_refused() -> None:
    other = record.Request("debian:trixie", "amd64", ("libx-dev",), ("lib*",))
    with pytest.raises(DebError, match="answers"):
        record.parse(record.dumps(other, [PACKAGE]), request=REQUEST)
    assert other.file_name("x") != REQUEST.file_name("x")


@pytest.mark.parametrize(
    "line",
    [
        "libx 1 amd64 00",
        f"libx 1 amd64 {'0' * 63} x.deb",
        f"libx 1 amd64 {'0' * 64} ../x.deb",
        f"libx 1 amd64 {'0' * 64} /x.deb",
        f"LIBX 1 amd64 {'0' * 64} x.deb",
        f"libx $(id) amd64 {'0' * 64} x.deb",
        f"libx 1 amd64 {'0' * 64} x.deb more",
    ],
)
def test_a_line_that_is_not_a_package_is_refused(line: str) -> None:
    with pytest.raises(DebError):
        record.parse(f"# {REQUEST}\n{line}\n", request=REQUEST)


def test_a_spoiled_record_names_the_file_to_remove(tmp_path: Path) -> None:
    path = tmp_path / "x.list"
    path.write_bytes(b"\xff\n")
    with pytest.raises(DebError, match="x.list.*\n  hint: remove the file"):
        record.load(path, request=REQUEST)


def test_a_record_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.list"
    path.write_bytes(b"#" * (record.MAX_RECORD_BYTES + 1))
    with pytest.raises(DebError, match="larger than"):
        record.load(path, request=REQUEST)


def test_files_are_missing_whole_or_wrong(tmp_path: Path) -> None:
    assert record.missing([PACKAGE], tmp_path) == [PACKAGE]
    (tmp_path / PACKAGE.file).write_bytes(DATA)
    assert record.missing([PACKAGE], tmp_path) == []
    (tmp_path / PACKAGE.file).write_bytes(DATA + b".")
    with pytest.raises(DebError, match="has sha256"):
        record.missing([PACKAGE], tmp_path)


def test_a_saved_record_leaves_nothing_next_to_it(tmp_path: Path) -> None:
    record.save(tmp_path / "x.list", record.dumps(REQUEST, [PACKAGE]))
    assert [path.name for path in tmp_path.iterdir()] == ["x.list"]
    assert record.load(tmp_path / "x.list", request=REQUEST) == (PACKAGE,)


def test_patterns_choose_among_the_closure() -> None:
    assert [name for name in ("libx", "dpkg", "zlib1g") if REQUEST.wants(name)] == ["libx", "zlib1g"]
