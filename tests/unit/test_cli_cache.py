# SPDX-License-Identifier: MIT
"""pvr cache, and the cache that commands take from the environment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from pantavisor.repo import Repository
from sim.pvr_command import PvrCommand


class Command:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.cache = root / "cache"
        self._pvr = PvrCommand(capsys)

    def __call__(self, *words: str, status: int = 0) -> tuple[str, str]:
        return self._pvr.both(*words, status=status)

    def info(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self("cache", "info", "--json")[0])
        return found

    def add(self, name: str) -> tuple[bytes, str]:
        """The squashfs of a container of the one root file system, and what was said."""
        source = ("--type", "rootfs", f"--from={self.root / 'rootfs'}", "--status-goal", "MOUNTED")
        said = self("app", "add", name, *source)[1]
        return (self.root / "work" / name / "root.squashfs").read_bytes(), said


@pytest.fixture
def pvr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    Repository.init(tmp_path / "work")
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "rootfs" / "text").write_bytes(b"some text" * 50_000)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("PVR_CACHE_DIR", str(tmp_path / "cache"))
    return Command(tmp_path, capsys)


def test_a_container_fills_it_and_the_next_comes_from_it(pvr: Command) -> None:
    empty = pvr.info()
    assert empty == {"bytes": 0, "directory": str(pvr.cache), "entries": 0, "max_bytes": 4 << 30}
    first, _ = pvr.add("one")
    filled = pvr.info()
    assert isinstance(filled["entries"], int) and filled["entries"] >= 5
    assert pvr.add("two")[0] == first and pvr.info() == filled
    head, row = pvr("cache", "info")[0].splitlines()
    assert head.split() == ["directory", "entries", "size", "at", "most"]
    assert row.split()[:2] == [str(pvr.cache), str(filled["entries"])] and row.endswith("4295.0 MB")


def test_clear_removes_what_it_holds(pvr: Command) -> None:
    first, _ = pvr.add("one")
    assert "0.1 MB removed" in pvr("cache", "clear")[1]
    assert pvr.info()["entries"] == 0 and pvr.add("two")[0] == first


def test_without_a_directory_there_is_none(pvr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = pvr.add("one")
    monkeypatch.setenv("PVR_CACHE_DIR", "")
    shutil.rmtree(pvr.cache)
    assert pvr.add("two")[0] == first and not pvr.cache.exists()
    assert "hint: set PVR_CACHE_DIR to" in pvr("cache", "info", status=2)[1]


def test_its_place_is_that_of_caches(pvr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PVR_CACHE_DIR")
    monkeypatch.setenv("HOME", str(pvr.root / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert pvr.info()["directory"] == str(pvr.root / "home/.cache/pvr")
    monkeypatch.setenv("XDG_CACHE_HOME", str(pvr.root / "caches"))
    assert pvr.info()["directory"] == str(pvr.root / "caches/pvr")


def test_a_size_that_is_none_is_refused_before_anything_is_done(
    pvr: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PVR_CACHE_SIZE", "much")
    for words in (["cache", "info"], ["app", "add", "one", "--type", "rootfs", f"--from={pvr.root}"]):
        assert 'PVR_CACHE_SIZE: "much" is not the size of a cache' in pvr(*words, status=2)[1]


def test_one_that_cannot_be_used_is_told_once_and_the_container_is_made(pvr: Command) -> None:
    first, said = pvr.add("one")
    assert "note" not in said
    pvr.cache.chmod(0o777)
    second, said = pvr.add("two")
    assert second == first and said.count("note: the cache is not used: ") == 1
    assert "can be written to by other users" in pvr("cache", "clear", status=2)[1]
