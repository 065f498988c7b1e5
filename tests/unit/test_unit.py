# SPDX-License-Identifier: MIT
"""The record of a unit, the plan that lists units, and the ledger that gives each serial number once."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from pantavisor.errors import FormatError, LimitError, NotFound, PantavisorError
from pantavisor.factory import ledger, read_units, unit_list
from pantavisor.unit import MAX_BYTES, Unit

PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2hh\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END PRIVATE KEY-----\n"
WHO = {"station": "bench 1", "time": "2026-01-02T03:04:05Z"}
WHOLE = Unit(
    "A-1",
    macs={"eth0": "02:00:5e:10:00:01", "wlan0": "02:00:5e:10:00:02"},
    locale="de_DE.UTF-8",
    certificate=PEM,
    values={"colour": "grün"},
)


def test_a_record_reads_back() -> None:
    assert Unit.parse(WHOLE.dumps()) == WHOLE
    assert json.loads(Unit("B").dumps()) == {"#spec": "pantavisor-unit@1", "serial": "B"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"serial": ""}, "not a serial"),
        ({"serial": "../etc"}, "not a serial"),
        ({"serial": "a" * 65}, "not a serial"),
        ({"serial": "a\n"}, "not a serial"),
        ({"serial": 7}, "serial has the wrong type"),
        ({"serial": None}, "serial has the wrong type"),
        ({"#spec": "pantavisor-unit@2"}, "not a record"),
        ({"seriall": "a"}, 'unknown member .*"seriall"'),
        ({"macs": {"eth0": "01:00:5e:10:00:01"}}, "not an address"),
        ({"macs": {"eth0": "00:00:00:00:00:00"}}, "not an address"),
        ({"macs": {"eth0": "02:00:5E:10:00:01"}}, "not an address"),
        ({"macs": {"a": "02:00:00:00:00:01", "b": "02:00:00:00:00:01"}}, "same address"),
        ({"macs": {"../x": "02:00:00:00:00:01"}}, "name of an interface"),
        ({"macs": {f"e{n}": f"02:00:00:00:00:{n:02x}" for n in range(17)}}, "more than the 16"),
        ({"macs": ["eth0"]}, "macs has the wrong type"),
        ({"locale": "deutsch bitte"}, "not a locale"),
        ({"certificate": KEY}, "not PEM of CERTIFICATE"),
        ({"certificate": PEM + KEY}, "not PEM of CERTIFICATE"),
        ({"certificate": PEM + "x"}, "not PEM of CERTIFICATE"),
        ({"certificate": PEM * 5}, "not PEM of CERTIFICATE"),
        ({"certificate": PEM.replace("Q2hh", "Q2h")}, "not PEM of CERTIFICATE"),
        ({"certificate": ""}, "not PEM of CERTIFICATE"),
        ({"request": PEM}, "not PEM of CERTIFICATE REQUEST"),
        ({"values": {"a": "b\nc"}}, "not one line"),
        ({"values": {"a": "b" * 1025}}, "longer than 1024"),
        ({"values": {"a b": "c"}}, "name of a value"),
        ({"values": {f"v{n}": "x" for n in range(65)}}, "more than the 64"),
    ],
)
def test_what_is_not_a_record_is_refused(changes: dict[str, Any], sentence: str) -> None:
    document = {"#spec": "pantavisor-unit@1", "serial": "A", **changes}
    with pytest.raises(FormatError, match=sentence):
        Unit.parse(json.dumps(document).encode())


def test_a_record_is_bounded() -> None:
    with pytest.raises(LimitError):
        Unit.parse(b" " * (MAX_BYTES + 1))
    with pytest.raises(LimitError):
        Unit("A", values={f"v{n}": "x" * 1024 for n in range(64)}).dumps()


def plan(folder: Path, text: str | bytes) -> Path:
    path = folder / "plan.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_plan_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs/1.pem").write_text(PEM.replace("\n", "\r\n"))
    text = (
        "\ufeffserial,mac.eth0,mac.wlan0,locale,certificate,value.colour\r\n"
        'A-1,02-00-5E-10-00-01,02:00:5e:10:00:02,de_DE.UTF-8,certs/1.pem,"grün"\r\n'
        "\r\n"
        "A-2, ,,,,\r\n"
    )
    assert read_units(plan(tmp_path, text)) == (WHOLE, Unit("A-2"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no column serial"),
        ("serial\n", "has no units"),
        ("serial,serial\nA,B\n", "one of them twice"),
        ("serial,colour\nA,red\n", 'unknown column .*"colour"'),
        ("serial,mac.eth0\nA\n", "line 2: it has 1 cells, and the head has 2"),
        ("serial\nA\nB\nA\n", "line 4: A is that of A already"),
        ("serial,mac.e\nA,02:00:00:00:00:01\nB,02-00-00-00-00-01\n", "line 3: .* is that of A already"),
        ("serial,locale\n,de_DE\n", "line 2: '' is not a serial number"),
        ("serial,certificate\nA,../key.pem\n", "line 2: .*not a plain relative path"),
        ("serial,certificate\nA,gone.pem\n", "line 2: certificate gone.pem: No such file"),
        ("serial,certificate\nA,key.pem\n", "line 2: the certificate is not PEM of CERTIFICATE"),
        ("serial,certificate\nA,link.pem\n", "line 2: "),
        ('serial\n"A\n', "is not CSV"),
        (b"serial\n\xff\n", "is not CSV in UTF-8"),
        (",".join(["serial", *(f"value.v{n}" for n in range(200))]), "more than 128 columns"),
    ],
)
def test_what_is_not_a_plan_is_refused(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    (tmp_path / "key.pem").write_text(KEY)
    (tmp_path / "link.pem").symlink_to("/etc/shadow")
    with pytest.raises(PantavisorError, match=sentence):
        read_units(plan(tmp_path, text))


def test_a_plan_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_list, "MAX_UNITS", 2)
    with pytest.raises(LimitError, match="more than 2 units"):
        read_units(plan(tmp_path, "serial\nA\nB\nC\n"))
    monkeypatch.setattr(unit_list, "MAX_BYTES", 4)
    with pytest.raises(LimitError, match="more than 4 bytes"):
        read_units(plan(tmp_path, "serial\nA\n"))


UNITS = tuple(Unit(f"A-{number}") for number in range(40))


def take(path: Path, units: tuple[Unit, ...] = UNITS, *, again: bool = False) -> str:
    path.touch()
    return ledger.begin(path, units, again=again, **WHO)[0].serial


def test_each_serial_number_is_given_once(tmp_path: Path) -> None:
    book = tmp_path / "ledger"
    assert [take(book, UNITS[:2]) for _ in range(2)] == ["A-0", "A-1"]
    with pytest.raises(PantavisorError, match="all 2 units of the plan are in"):
        take(book, UNITS[:2])
    with pytest.raises(PantavisorError, match="A-0 was begun and not done"):
        take(book, UNITS[:1])
    assert take(book, UNITS[:1], again=True) == "A-0"
    ledger.end(book, UNITS[0], ledger.DONE, **WHO)
    for again in (False, True):
        with pytest.raises(PantavisorError, match="A-0 was given to a unit already"):
            take(book, UNITS[:1], again=again)
    with pytest.raises(PantavisorError, match="does not have A-0 as begun"):
        ledger.end(book, UNITS[0], ledger.DONE, **WHO)


def test_a_failed_unit_is_taken_again_only_when_asked(tmp_path: Path) -> None:
    book = tmp_path / "ledger"
    take(book, UNITS[:1])
    ledger.end(book, UNITS[0], ledger.FAILED, **WHO)
    with pytest.raises(PantavisorError, match="begun and not done"):
        take(book, UNITS[:1])
    assert take(book, UNITS[:1], again=True) == "A-0"


def test_an_address_stays_with_its_unit(tmp_path: Path) -> None:
    book = tmp_path / "ledger"
    take(book, (Unit("A", macs={"eth0": "02:00:00:00:00:01"}),))
    with pytest.raises(PantavisorError, match="was given to A already"):
        take(book, (Unit("B", macs={"eth1": "02:00:00:00:00:01"}),))
    assert list(ledger.read(book).events) == ["A"]


def begin_many(path: Path, count: int, out: Any) -> None:
    out.put([take(path) for _ in range(count)])


def test_stations_at_once_never_get_the_same(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    stations = [context.Process(target=begin_many, args=(tmp_path / "ledger", 10, out)) for _ in range(4)]
    for station in stations:
        station.start()
    given = [serial for _ in stations for serial in out.get()]
    for station in stations:
        station.join()
    assert sorted(given) == sorted(unit.serial for unit in UNITS)
    assert set(ledger.read(tmp_path / "ledger").events) == set(given)


def test_what_a_killed_station_was_given_is_never_given_again(tmp_path: Path) -> None:
    """It reports each serial number once it has it; the ledger must have all of these."""
    book, reported = tmp_path / "ledger", set()
    for _ in range(6):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            while True:
                os.write(writer, f"{take(book)}\n".encode())
        os.close(writer)
        timer = threading.Timer(0.05, os.kill, (child, signal.SIGKILL))
        first = os.read(reader, 100)
        timer.start()
        rest = b""
        while piece := os.read(reader, 4096):
            rest += piece
        timer.join()
        os.waitpid(child, 0)
        os.close(reader)
        given = (first + rest).decode().split()
        assert reported.isdisjoint(given) and len(set(given)) == len(given)
        reported |= set(given)
        entries = ledger.read(book)
        assert reported <= set(entries.events)
        if len(entries.events) > len(UNITS) - 8:
            break


def test_half_a_line_goes_with_the_next_event(tmp_path: Path) -> None:
    book = tmp_path / "ledger"
    take(book)
    whole = book.read_bytes()
    head = (tmp_path / "ledger.head").read_bytes()
    for torn in (b'{"#spec":"pantav', b"\0" * 700, b"{\r\r"):
        book.write_bytes(whole + torn)
        (tmp_path / "ledger.head").write_bytes(head)
        assert list(ledger.read(book).events) == ["A-0"]
        assert take(book) == "A-1"
        assert book.read_bytes().startswith(whole) and book.read_bytes().count(b"\n") == 2


def test_a_whole_ledger_is_only_appended_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file system sees to it, where the ledger has the attribute of one."""

    def refuse(descriptor: int, length: int) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "ftruncate", refuse)
    assert [take(tmp_path / "ledger") for _ in range(2)] == ["A-0", "A-1"]


def test_what_the_file_system_refuses_names_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError) as caught:
        take(tmp_path / "ledger")
    assert caught.value.filename == str(tmp_path / "ledger")


def test_a_line_that_was_changed_or_taken_out_is_noticed(tmp_path: Path) -> None:
    book = tmp_path / "ledger"
    for _ in range(3):
        take(book)
    lines = book.read_bytes().splitlines(keepends=True)
    for changed in (
        lines[1:],
        [lines[0], lines[2]],
        [lines[1], lines[0], lines[2]],
        [lines[0].replace(b"A-0", b"B-0"), *lines[1:]],
        [b"{}\n"],
        [b"[1]\n"],
        [b"\n"],
    ):
        book.write_bytes(b"".join(changed))
        with pytest.raises(FormatError):
            take(book)
        assert book.read_bytes() == b"".join(changed)


def test_lines_that_are_missing_at_the_end_are_noticed(tmp_path: Path) -> None:
    book = tmp_path / "ledger"
    for _ in range(3):
        take(book)
    lines = book.read_bytes().splitlines(keepends=True)
    other = lines[2].replace(b'"serial":"A-2"', b'"serial":"A-9"')
    assert other != lines[2]
    for cut in (lines[:2], lines[:1], [], [*lines[:2], other]):
        book.write_bytes(b"".join(cut))
        for act in (take, ledger.read):
            with pytest.raises(FormatError, match="ledger lacks line 3, which .*ledger.head has"):
                act(book)
        assert book.read_bytes() == b"".join(cut)
    book.unlink()
    with pytest.raises(PantavisorError, match="ledger.head exists: there was a ledger"):
        ledger.new(book)


def test_a_line_that_a_cut_kept_from_the_head_counts(tmp_path: Path) -> None:
    book, head = tmp_path / "ledger", tmp_path / "ledger.head"
    take(book)
    before = head.read_bytes()
    take(book)
    head.write_bytes(before)
    assert take(book) == "A-2"
    assert json.loads(head.read_bytes())["line"] == 3


def test_a_cut_after_the_first_line_ever_leaves_a_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = tmp_path / "ledger"
    ledger.new(book)
    write = os.write

    def cut(descriptor: int, data: bytes) -> int:
        write(descriptor, data)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "write", cut)
        ledger.begin(book, UNITS, **WHO)
    assert list(ledger.read(book).events) == ["A-0"]
    assert take(book) == "A-1"


def test_a_ledger_from_before_there_were_heads_goes_on_once_it_is_called_whole(tmp_path: Path) -> None:
    book, head = tmp_path / "ledger", tmp_path / "ledger.head"
    for _ in range(2):
        take(book)
    with pytest.raises(PantavisorError, match="ledger.head exists"):
        ledger.accept(book)
    head.unlink()
    with pytest.raises(NotFound) as caught:
        take(book)
    assert str(caught.value.hint).endswith(f"run: pvr factory ledger {book} --whole")
    ledger.accept(book)
    assert json.loads(head.read_bytes())["line"] == 2
    assert take(book) == "A-2"


def test_a_ledger_without_its_head_is_not_taken_for_whole(tmp_path: Path) -> None:
    book, head = tmp_path / "ledger", tmp_path / "ledger.head"
    take(book)
    head.unlink()
    with pytest.raises(NotFound, match="may have lost lines at its end"):
        take(book)
    for damaged in (b"", b"{}", b'{"line":1,"sha256":"0"}', b"x" * 5000):
        head.write_bytes(damaged)
        with pytest.raises(PantavisorError):
            take(book)
    head.unlink()
    os.mkfifo(head)
    with pytest.raises(FormatError, match="not a regular file"):
        take(book)


def test_a_ledger_is_a_file_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = tmp_path / "ledger"
    with pytest.raises(NotFound):
        ledger.read(book)
    os.mkfifo(book)
    with pytest.raises(FormatError, match="not a regular file"):
        take(book)
    book.unlink()
    monkeypatch.setattr(ledger, "MAX_LINE", 100)
    with pytest.raises(LimitError):
        take(book)
    monkeypatch.undo()
    take(book)
    monkeypatch.setattr(ledger, "MAX_BYTES", 10)
    with pytest.raises(LimitError):
        take(book)
