# SPDX-License-Identifier: MIT
"""pvr with a device in the network, from the user's side: clone, change, commit, post."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pantavisor.state import State
from sim.door import Door
from sim.pvr_command import PvrCommand

DATA = b"data" * 1000
STATE = State(
    {
        "#spec": "pantavisor-service-system@1",
        "web/root.squashfs": hashlib.sha256(DATA).hexdigest(),
        "web/run.json": {"name": "web"},
        "other/run.json": {"name": "other"},
    }
)


@pytest.fixture
def pvr(capsys: pytest.CaptureFixture[str]) -> PvrCommand:
    return PvrCommand(capsys)


@pytest.fixture
def door() -> Iterator[Door]:
    with Door(STATE.dumps(), {hashlib.sha256(DATA).hexdigest(): DATA}) as made:
        yield made


@pytest.fixture
def work(pvr: PvrCommand, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the device, with a change that is committed."""
    monkeypatch.chdir(tmp_path)
    pvr("clone", door.url)
    root = tmp_path / "127.0.0.1"
    monkeypatch.chdir(root)
    assert (root / "web/root.squashfs").read_bytes() == DATA
    (root / "web/page").write_text("hello")
    pvr("add")
    pvr("commit", "-m", "say hello")
    return root


def test_a_clone_is_changed_and_posted_back(pvr: PvrCommand, door: Door, work: Path) -> None:
    _, notes = pvr.both("post")
    (posted,) = door.posts
    assert posted["commit-msg"] == "say hello"
    assert door.objects[posted["state"]["web/page"]] == b"hello"
    assert f"{posted['rev']}: DONE" in notes and "1 object, 5 bytes sent" in notes
    assert json.loads((work / ".pvr/config").read_text())["DefaultPostUrl"] == door.url
    door.state = (work / ".pvr/json").read_bytes()
    assert "runs this state already" in pvr.both("post")[1] and len(door.posts) == 1


def test_the_outcome_is_json_for_programs(pvr: PvrCommand, door: Door, work: Path) -> None:
    found = json.loads(pvr("post", door.url, "-m", "x", "--rev", "locals/mine", "--json"))
    assert found == {"revision": "locals/mine", "status": "DONE", "message": "", "objects": 1, "bytes": 5}
    door.outcome = [{"status": "NEW"}]
    found = json.loads(pvr("post", "--no-wait", "--json", "--rev", "locals/next"))
    assert (found["revision"], found["status"], found["objects"]) == ("locals/next", None, 1)


def test_the_reason_of_the_device_is_the_error(pvr: PvrCommand, door: Door, work: Path) -> None:
    door.answers["/steps"] = (422, b'{"Error":"no signature covers web/page"}')
    assert "no signature covers web/page" in pvr.both("post", status=2)[1]
    del door.answers["/steps"]
    door.outcome = [{"status": "TESTING"}, {"status": "ERROR", "status-msg": "web did not start"}]
    _, notes = pvr.both("post", status=2)
    assert ": TESTING\n" in notes and "web did not start" in notes
    logs = "".join(f"line {number}\n" for number in range(99)) + "container web\x1b[2J FAILED\n"
    door.outcome = [{"status": "ERROR", "status-msg": "web did not start", "logs": logs}]
    _, notes = pvr.both("post", "--rev", "locals/again", status=2)
    assert "\n  line 98\n  container web [2J FAILED\n" in notes and "line 59\n" not in notes
    door.answers["/steps"] = (422, b"{}")
    pvr.both("post", f"{door.url}/", status=2)
    assert json.loads((work / ".pvr/config").read_text())["DefaultPostUrl"] == door.url


def test_a_part_from_a_file_goes_to_the_device_that_was_cloned(
    pvr: PvrCommand, door: Door, work: Path, tmp_path: Path
) -> None:
    pvr("export", str(tmp_path / "web.tgz"), "--parts", "web")
    pvr("merge", str(tmp_path / "web.tgz"))
    pvr("post")
    assert len(door.posts) == 1


def test_parts_come_from_the_device_that_was_cloned(pvr: PvrCommand, door: Door, work: Path) -> None:
    changed = {**STATE, "other/run.json": {"name": "other", "group": "app"}, "web/run.json": {"name": "w"}}
    door.state = State(changed).dumps()
    before = len(door.seen)
    pvr("get", f"{door.url}#other")
    committed = json.loads((work / ".pvr/json").read_text())
    assert committed["other/run.json"]["group"] == "app" and committed["web/run.json"] == {"name": "web"}
    pvr("get")
    pvr("merge", f"{door.url}#-other")
    # What is there already is not fetched.
    assert not [line for line in door.seen[before:] if "objects" in line]
    assert json.loads((work / ".pvr/json").read_text())["web/run.json"] == {"name": "w"}


def test_an_interrupted_clone_leaves_nothing(
    pvr: PvrCommand, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pantavisor.remote.session.ATTEMPTS", 1)
    monkeypatch.chdir(tmp_path)
    door.breaks = [0]
    assert "breaks off" in pvr.both("clone", door.url, "made", status=2)[1]
    assert not list(tmp_path.iterdir())
    pvr("clone", door.url, "made")
    assert (tmp_path / "made/web/root.squashfs").read_bytes() == DATA


@pytest.mark.parametrize(
    "words, text",
    [
        (("somewhere",), "is not the address of a device"),
        (("http://h:1/#web",), "is not the address of a device"),
        (("--rev", "7"), "is not a local revision"),
        (("--rev", "locals/../x"), "is not a local revision"),
    ],
)
def test_wrong_words_of_post(
    pvr: PvrCommand, door: Door, work: Path, words: tuple[str, ...], text: str
) -> None:
    assert text in pvr.both("post", *words, status=2)[1] and not door.posts


def test_without_a_device_it_is_asked_for(
    pvr: PvrCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pvr("init", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert "no device was named yet" in pvr.both("post", status=2)[1]
