# SPDX-License-Identifier: MIT
"""Devices in the network: what they are asked, what they answer, and what may go wrong between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest
from pantavisor import cjson, remote
from pantavisor.errors import DigestError, FormatError, LimitError, PantavisorError
from pantavisor.http import HttpError, HttpOptions
from pantavisor.objects import ObjectPool
from pantavisor.remote.description import Description
from pantavisor.state import State
from sim.door import Door

OLD, FRESH = b"old" * 1000, b"fresh" * 1000
URL = "http://device:12368/cgi-bin/pvr"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


STATE = State({"#spec": "pantavisor-service-system@1", "web/root.squashfs": sha256(OLD)})
NEXT = STATE.with_files(
    {"web/data": sha256(FRESH), "web/empty": sha256(b""), "web/run.json": {"name": "web"}}
)

NEW = {"status": "NEW", "status-msg": "Update ready to be run"}


class Notes:
    def __init__(self) -> None:
        self.bytes: list[tuple[int, int]] = []
        self.statuses: list[Optional[str]] = []

    def sent(self, done: int, total: int) -> None:
        self.bytes.append((done, total))

    def progress(self, _: str, progress: Optional[remote.Progress]) -> None:
        self.statuses.append(progress and progress.status)


@pytest.fixture
def door() -> Iterator[Door]:
    with Door(STATE.dumps(), {sha256(OLD): OLD}) as made:
        yield made


@pytest.fixture
def device(door: Door) -> remote.Device:
    return remote.Device(door.url, HttpOptions(timeout=600), pause=lambda _: None)


@pytest.fixture
def pool(tmp_path: Path) -> ObjectPool:
    made = ObjectPool(tmp_path / "objects")
    for data in (FRESH, b""):
        made.put_bytes(data)
    return made


def post(device: remote.Device, pool: ObjectPool, **more: object) -> tuple[remote.Posted, Notes]:
    notes = Notes()
    options = {"message": "hello", "watcher": notes, **more}
    return remote.post(device, NEXT, pool, **options), notes  # type: ignore[arg-type]


def test_the_state_and_its_objects_come_from_a_device(
    door: Door, device: remote.Device, tmp_path: Path
) -> None:
    assert device.state() == STATE
    taken = ObjectPool(tmp_path / "taken")
    taken.copy_from(remote.DevicePool(device), sha256(OLD))
    assert taken.verify(sha256(OLD)).read_bytes() == OLD
    assert door.seen == [
        "GET /.pvrremote", "GET /json", f"GET /objects/{sha256(OLD)}", f"GET /blobs/{sha256(OLD)}",
    ]  # fmt: skip


@pytest.mark.parametrize("resumes", [True, False])
def test_a_download_that_breaks_off_goes_on(
    door: Door, device: remote.Device, tmp_path: Path, resumes: bool
) -> None:
    door.resumes, door.breaks = resumes, [100, 500]
    counted: list[int] = []
    taken = ObjectPool(tmp_path / "taken")
    taken.copy_from(remote.DevicePool(device, counted.append), sha256(OLD))
    assert taken.verify(sha256(OLD)) and sum(counted) == len(OLD) and not door.breaks


def test_a_download_without_end_or_of_other_bytes_is_refused(
    door: Door, device: remote.Device, tmp_path: Path
) -> None:
    taken = ObjectPool(tmp_path / "taken")
    other = OLD[:-1] + b"!"
    door.objects[sha256(OLD)] = other
    with pytest.raises(DigestError, match="is damaged"):
        taken.copy_from(remote.DevicePool(device), sha256(OLD))
    place = {"signed-geturl": "blobs/" + sha256(OLD), "size": 10}
    door.answers[f"/objects/{sha256(OLD)}"] = (200, json.dumps(place).encode())
    with pytest.raises(FormatError, match="gives more than the 10 bytes"):
        taken.copy_from(remote.DevicePool(device), sha256(OLD))
    door.answers.clear()
    door.breaks = [0] * 20
    with pytest.raises(HttpError, match="breaks off"):
        taken.copy_from(remote.DevicePool(device), sha256(OLD))
    assert list(taken) == []


def test_only_what_is_missing_is_sent_and_the_update_is_watched(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    begun = {"status": "INPROGRESS", "status-msg": "Rebooting"}
    door.outcome = [begun, {"status": "TESTING"}, *door.outcome]
    posted, notes = post(device, pool)
    name = f"locals/pvr-{NEXT.digest()[:12]}"
    assert (posted.revision, posted.objects, posted.size) == (name, 2, len(FRESH))
    assert posted.progress and posted.progress.status == "DONE"
    assert door.objects[sha256(FRESH)] == FRESH and door.objects[sha256(b"")] == b""
    assert door.posts == [{"commit-msg": "hello", "rev": name, "state": json.loads(NEXT.dumps())}]
    assert notes.statuses == ["INPROGRESS", "TESTING", "DONE"]
    assert notes.bytes[-1] == (len(FRESH), len(FRESH))
    assert not [line for line in door.seen if line.startswith("PUT") and sha256(OLD) in line]


def test_a_state_that_runs_already_is_not_posted(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.state = NEXT.dumps()
    assert post(device, pool)[0].revision == "" and not door.posts


def test_a_broken_upload_goes_on_where_it_broke_off(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.parts[sha256(FRESH)] = FRESH[:1500]
    door.breaks = [300, 0]
    posted, notes = post(device, pool)
    assert door.objects[sha256(FRESH)] == FRESH and posted.progress
    assert max(done for done, _ in notes.bytes) == len(FRESH)


def test_an_object_that_another_connection_sends_is_waited_for(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.busy = 3
    assert post(device, pool)[0].progress
    assert door.objects[sha256(FRESH)] == FRESH


def test_an_object_that_others_send_for_ever_is_given_up(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.busy = 100
    with pytest.raises(HttpError, match="another connection"):
        post(device, pool)


def test_an_object_that_came_whole_but_was_not_kept_is_finished(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.parts[sha256(FRESH)] = FRESH
    assert post(device, pool)[0].progress
    assert door.objects[sha256(FRESH)] == FRESH


def test_a_device_without_pieces_gets_the_whole_again(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.resumes, door.breaks = False, [300]
    assert post(device, pool)[0].progress
    assert door.objects[sha256(FRESH)] == FRESH


def test_a_device_without_progress_is_not_waited_for(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.watches = False
    posted, _ = post(device, pool)
    assert posted.revision and posted.progress is None


@pytest.mark.parametrize("silence", [[NEW], [None, NEW]], ids=["unnoticed", "noticed"])
def test_a_device_that_forgot_what_it_was_asked_is_asked_again(
    door: Door, device: remote.Device, pool: ObjectPool, silence: list[Optional[dict[str, str]]]
) -> None:
    """Its power was cut before it had begun: the revision stays NEW."""
    done, seconds = door.outcome, iter(range(1000))
    door.outcome = [NEW, *silence]

    def pause(_: float) -> None:
        door.outcome = done

    device.session.pause = pause
    posted, notes = post(device, pool, clock=lambda: float(next(seconds)))
    assert posted.progress and posted.progress.status == "DONE"
    assert len(door.posts) == 2 and door.posts[0] == door.posts[1]
    assert notes.statuses == ["NEW", *filter(lambda shown: shown is None, silence), "DONE"]


@pytest.mark.parametrize("status", [409, 503, 502])
def test_a_device_that_verifies_for_long_is_not_given_up(
    door: Door, device: remote.Device, pool: ObjectPool, status: int
) -> None:
    seconds, waits = iter(range(1000)), iter(range(1000))
    door.outcome = [NEW]

    def pause(_: float) -> None:
        door.answers["/steps"] = (status, b'{"Error":"a revision is being tried"}')
        if next(waits) == 100:
            door.progress = {name: [{"status": "DONE"}] for name in door.progress}

    device.session.pause = pause
    posted, _ = post(device, pool, clock=lambda: float(next(seconds)))
    assert posted.progress and posted.progress.status == "DONE"
    # Each time is a request that the device has to answer.
    assert 2 <= door.seen.count("POST /steps") <= 5


def test_a_device_whose_answer_is_lost_may_boot_for_minutes(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.loses_answer = True
    door.outcome = [*[None] * 20, {"status": "TESTING"}, {"status": "DONE"}]
    posted, _ = post(device, pool, clock=lambda: 0.0)
    assert posted.progress and posted.progress.status == "DONE"
    assert len(door.posts) == 1


def test_a_device_that_stays_away_is_given_up(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.loses_answer = True
    door.outcome = [None]
    seconds = iter(range(0, 10_000, 100))
    with pytest.raises(HttpError):
        post(device, pool, clock=lambda: float(next(seconds)))


def test_what_keeps_a_device_from_beginning_is_in_the_error(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    seconds = iter(range(1000))
    door.outcome = [NEW]

    def pause(_: float) -> None:
        door.answers["/steps"] = (409, b'{"Error":"the device is switching off"}')

    device.session.pause = pause
    with pytest.raises(remote.Failed, match="it is NEW; .*the device is switching off"):
        post(device, pool, clock=lambda: float(next(seconds)))


def test_a_device_that_refuses_what_it_had_taken_says_why(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.outcome = [NEW, None, NEW]

    def pause(_: float) -> None:
        door.answers["/steps"] = (422, b'{"Error":"object web/data is missing"}')

    device.session.pause = pause
    with pytest.raises(remote.Failed, match="object web/data is missing"):
        post(device, pool)


@pytest.mark.parametrize("status", ["ERROR", "WONTGO"])
def test_the_reason_of_a_failed_update_is_the_error(
    door: Door, device: remote.Device, pool: ObjectPool, status: str
) -> None:
    door.outcome = [{"status": status, "status-msg": "A container could not be started\x1b[2J\n"}]
    with pytest.raises(remote.Failed, match=r"A container could not be started \[2J$"):
        post(device, pool)


def test_the_reason_of_a_refusal_is_the_error(door: Door, device: remote.Device, pool: ObjectPool) -> None:
    door.answers["/steps"] = (422, b'{"Error":"signature web: not trusted"}')
    with pytest.raises(remote.Failed, match="signature web: not trusted"):
        post(device, pool)
    door.answers["/objects/"] = (507, b'{"Error":"Not enough disk space available"}')
    with pytest.raises(remote.Refused, match="Not enough disk space available"):
        post(device, pool)


@pytest.mark.parametrize("is_long", [False, True])
def test_a_device_that_collects_already_is_waited_for(
    door: Door, device: remote.Device, pool: ObjectPool, is_long: bool
) -> None:
    door.collects = True
    door.answers["/steps"] = (507, b'{"Error":"Not enough disk space available"}')
    door.answers["/gc"] = (503, b'{"Error":"a revision is being put, or a collection runs"}')
    seconds = iter(range(0, 100_000, 100))

    def pause(_: float) -> None:
        if not is_long and door.seen.count("POST /gc") == 3:
            door.answers["/gc"] = (200, b'{"reclaimed":1}')
            del door.answers["/steps"]

    device.session.pause = pause
    if is_long:
        with pytest.raises(remote.Failed, match="Not enough disk space available"):
            post(device, pool, clock=lambda: float(next(seconds)))
        return
    posted, _ = post(device, pool, clock=lambda: 0.0)
    assert posted.progress and posted.progress.status == "DONE"
    assert door.seen.count("POST /gc") == 4


def test_a_device_with_too_many_callers_is_asked_again(
    door: Door, device: remote.Device, pool: ObjectPool, tmp_path: Path
) -> None:
    door.is_crowded = True
    posted, _ = post(device, pool)
    assert posted.progress and door.objects[sha256(FRESH)] == FRESH
    taken = ObjectPool(tmp_path / "taken")
    taken.copy_from(remote.DevicePool(device), sha256(OLD))
    assert taken.verify(sha256(OLD))


def test_a_device_that_tries_another_update_is_not_asked_again(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.answers["/steps"] = (503, b'{"Error":"a revision is being tried"}')
    with pytest.raises(remote.Failed, match="a revision is being tried"):
        post(device, pool)
    assert door.seen.count("POST /steps") == 1


def test_a_name_that_was_tried_is_not_taken_again(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    name = f"locals/pvr-{NEXT.digest()[:12]}"
    door.progress[name] = [{"status": "ERROR", "status-msg": "as it went before"}]
    door.progress[f"{name}-2"] = [{"status": "NEW"}]
    assert post(device, pool)[0].revision == f"{name}-2"
    with pytest.raises(PantavisorError, match="tried a revision"):
        post(device, pool, revision=name)


def test_silence_while_the_device_boots_is_endured_and_has_an_end(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    name = f"/progress/locals/pvr-{NEXT.digest()[:12]}"
    times = iter(range(100))
    door.outcome = [{"status": "TESTING"}]
    with pytest.raises(remote.Failed, match="did not come to its end in time: it is TESTING"):
        post(device, pool, timeout=600, clock=lambda: 200.0 * next(times))
    door.progress.clear()

    def pause(_: float) -> None:
        door.answers.pop(name, None)

    device.session.pause = pause
    device.session.wait = lambda *_: None  # type: ignore[method-assign]
    door.outcome = [{"status": "DONE"}]
    notes = Notes()
    original = device.create

    def create(state: State, message: str, revision: str) -> str:
        door.answers[name] = (502, b"")
        return original(state, message, revision)

    device.create = create  # type: ignore[method-assign]
    assert remote.post(device, NEXT, pool, message="", watcher=notes).progress
    assert notes.statuses == [None, "DONE"]


GOOD = {"json-get-url": "json", "objects-endpoint": "objects", "post-url": "steps"}


def test_a_description_may_be_relative() -> None:
    found = Description.parse(json.dumps({**GOOD, "json-key": "state"}).encode(), URL)
    assert (found.state_url, found.objects_url) == (f"{URL}/json", f"{URL}/objects")
    assert (found.state_member, found.progress_url) == ("state", None)
    assert Description.parse(json.dumps(GOOD).encode(), URL).state_member == "post"


@pytest.mark.parametrize(
    "change",
    [
        {"json-get-url": None},
        {"json-get-url": 5},
        {"json-get-url": ""},
        {"json-get-url": "file:///etc/passwd"},
        {"json-get-url": "ftp://host/x"},
        {"json-get-url": "http://user:secret@host/x"},
        {"json-get-url": "http://host/x y"},
        {"json-get-url": "http://host/\r\nX: y"},
        {"json-get-url": "http://[::1/x"},
        {"json-get-url": "http://host:0/"},
        {"json-get-url": "http://host:99999/"},
        {"json-get-url": "http://host/" + "x" * 3000},
        {"objects-endpoint": "http://h\u00f6st/"},
        {"post-url": ["x"]},
        {"progress-url": 1},
        {"json-key": 1},
        {"json-key": "x" * 65},
    ],
)
def test_hostile_descriptions_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        Description.parse(json.dumps({**GOOD, **change}).encode(), URL)


def test_a_description_does_not_lead_out_of_tls() -> None:
    text = json.dumps({**GOOD, "post-url": "http://device/steps"}).encode()
    assert Description.parse(text, URL)
    with pytest.raises(FormatError, match="from https to plain http"):
        Description.parse(text, "https://device/cgi-bin/pvr")


@pytest.mark.parametrize(
    "path, answer, error, text",
    [
        ("/.pvrremote", (200, b"[]"), FormatError, "JSON object"),
        ("/.pvrremote", (200, b" " * 70_000), FormatError, "longer than"),
        ("/.pvrremote", (404, b""), remote.Refused, "there is no device at"),
        ("/json", (200, b'{"#spec":"other"}'), FormatError, "#spec"),
        ("/json", (200, b'{"#spec":"' + b"x" * 5_000_000), FormatError, "longer than"),
        ("/json", (403, b'{"Error":"not from a mgmt platform"}'), remote.Refused, "mgmt platform"),
        ("/json", (500, b"\x1b[2J"), remote.Refused, "status 500"),
    ],
)
def test_hostile_answers_are_refused(
    door: Door, device: remote.Device, path: str, answer: tuple[int, bytes], error: type, text: str
) -> None:
    door.answers[path] = answer
    with pytest.raises(error, match=text):
        device.state()


@pytest.mark.parametrize(
    "document",
    [
        b"[]", b"{}", b'{"status":"DO\\u001bNE"}', b'{"status":5}', b'{"status":"' + b"A" * 40 + b'"}',
        b"{" * 99,
    ],  # fmt: skip
)
def test_hostile_progress_is_refused(door: Door, device: remote.Device, document: bytes) -> None:
    door.answers["/progress/locals/a"] = (200, document)
    with pytest.raises((FormatError, LimitError)):
        device.progress("locals/a")


def test_an_offset_beyond_the_object_is_refused(
    door: Door, device: remote.Device, pool: ObjectPool
) -> None:
    door.parts[sha256(FRESH)] = FRESH + b"more"
    with pytest.raises(FormatError, match="more bytes of the object than it has"):
        post(device, pool)


@pytest.mark.parametrize("url", ["", "device", "ftp://x", "http://", "http://a b/", "http://u@h/", "http://h/#x"])
def test_what_is_not_the_address_of_a_device_is_a_mistake(url: str) -> None:
    with pytest.raises(PantavisorError, match="is not the address of a device"):
        remote.Device(url, HttpOptions())


def test_the_state_is_sent_as_it_is_signed(door: Door, device: remote.Device, pool: ObjectPool) -> None:
    seen: list[bytes] = []
    original = cjson.dumps

    def dumps(value: object) -> bytes:
        seen.append(original(value))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cjson, "dumps", dumps)
        post(device, pool, timeout=None)
    assert any(NEXT.dumps() in text for text in seen)
