# SPDX-License-Identifier: MIT
"""The ledger of a factory: which serial number was given to a unit, so that none is given to two.

A file of JSON lines that only grows: each event is a line, with the sha256 of the line before it, and is on
the disk before anything is done by it. Stations share it: who appends holds its lock. What a power cut
left of a line was never acted on, and goes with the next event.

The file next to it, its head, has the number and the sha256 of the last line. So lines that are missing at
the end are noticed as well; a line more than that is what a power cut kept from the head. It is there
before the first line is.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from .. import atomic, cjson, regular
from ..errors import FormatError, LimitError, NotFound, PantavisorError
from ..unit import Unit

SPEC = "pantavisor-ledger@1"
BEGUN, DONE, FAILED = "begun", "done", "failed"
EVENTS = (BEGUN, DONE, FAILED)
MAX_BYTES = 256 * 1024 * 1024
MAX_LINE = 4096
HINT = "name the ledger, or use a copy of it from before it was changed"
HEAD = ".head"  # behind the name of the ledger
MAX_HEAD = 256
START = "0" * 64  # what the first line follows
MEMBERS = {"#spec", "after", "event", "macs", "serial", "station", "time"}


@dataclass
class Entries:
    """What the lines amount to: the last event of each serial number, and whose each address is."""

    events: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)  # of each line
    length: int = 0  # bytes of whole lines

    @property
    def last(self) -> str:
        return self.digests[-1] if self.digests else START

    @property
    def mark(self) -> dict[str, Any]:
        """How far it goes: a certificate has it, and a ledger without that line is not whole."""
        return {"line": len(self.digests), "sha256": self.last}

    def add(self, line: bytes, what: str) -> None:
        """Raises FormatError for a line that does not follow from the one before."""
        try:
            entry = cjson.load_object(line, what=what)
        except FormatError as error:
            raise FormatError(f"{what} is not an event of {SPEC}: {error.message}", hint=HINT) from error
        serial, event, macs = entry.get("serial"), entry.get("event"), entry.get("macs")
        if set(entry) != MEMBERS or entry["#spec"] != SPEC or event not in EVENTS:
            raise FormatError(f"{what} is not an event of {SPEC}", hint=HINT)
        if not isinstance(serial, str) or not isinstance(macs, list):
            raise FormatError(f"{what} has a serial or macs of the wrong type")
        if entry["after"] != self.last:
            raise FormatError(
                f"{what} does not follow the line before it: the ledger was changed by hand",
                hint="use a copy of the ledger from before the change",
            )
        self.events[serial] = str(event)
        self.owners.update((str(mac), serial) for mac in macs)
        self.digests.append(hashlib.sha256(line).hexdigest())
        self.length += len(line)

    def has(self, mark: Any) -> bool:
        """Whether it has the line of a mark, which may be damaged."""
        line = mark.get("line") if isinstance(mark, dict) else None
        if not isinstance(line, int) or not 0 <= line <= len(self.digests):
            return False
        return bool((self.digests[line - 1] if line else START) == mark.get("sha256"))


def new(path: Path) -> None:
    """An empty ledger. Raises PantavisorError where there is one, or its head."""
    if os.path.lexists(_head_of(path)):
        raise PantavisorError(
            f"{_head_of(path)} exists: there was a ledger",
            hint=f"copy {path} back to its place; for a new product, use another name",
        )
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
    except FileExistsError as error:
        raise PantavisorError(f"{path} exists already", hint="leave out --new") from error
    atomic.sync_directory(path.parent)


def accept(path: Path) -> None:
    """Give its head to a ledger that has none, as those from before there were heads: its user knows that
    it is whole. Raises PantavisorError where there is one.
    """
    with _opened(path, has_head=False) as (_, entries):
        if os.path.lexists(_head_of(path)):
            raise PantavisorError(f"{_head_of(path)} exists", hint="leave out --whole")
        _write_head(path, entries)


def begin(
    path: Path, units: Sequence[Unit], *, station: str, time: str, again: bool = False
) -> tuple[Unit, dict[str, Any]]:
    """Take the first of ``units`` that no unit has had yet, and note that it is begun; also the mark of
    that line.

    With ``again`` one that was begun and not done is taken as well, for the same unit or in place of one
    that is scrap. Raises PantavisorError where there is none.
    """
    with _opened(path) as (stream, entries):
        unit = next((unit for unit in units if _is_free(unit, entries, again)), None)
        if unit is None:
            raise _nothing_left(units, entries, path)
        for mac in unit.macs.values():
            if (owner := entries.owners.get(mac, unit.serial)) != unit.serial:
                raise PantavisorError(
                    f"{mac} of {unit.serial} was given to {owner} already", hint="correct the plan"
                )
        _append(stream, entries, unit, BEGUN, station, time, path)
        return unit, entries.mark


def end(path: Path, unit: Unit, event: str, *, station: str, time: str) -> None:
    """Note that a unit that was begun is DONE, or has FAILED. Raises PantavisorError."""
    with _opened(path) as (stream, entries):
        if entries.events.get(unit.serial) != BEGUN:
            raise PantavisorError(
                f"{path} does not have {unit.serial} as begun",
                hint="see that no two stations have the same unit",
            )
        _append(stream, entries, unit, event, station, time, path)


def read(path: Path, *, has_head: bool = True) -> Entries:
    """All of it, between what others append; without ``has_head`` whether or not its end is there. Raises
    PantavisorError.
    """
    with _opened(path, has_head=has_head) as (_, entries):
        return entries


def _is_free(unit: Unit, entries: Entries, again: bool) -> bool:
    event = entries.events.get(unit.serial)
    return event is None or (again and event != DONE)


def _nothing_left(units: Sequence[Unit], entries: Entries, path: Path) -> PantavisorError:
    if len(units) > 1:
        return PantavisorError(
            f"all {len(units)} units of the plan are in {path} already",
            hint="add units to the plan; one that was begun and not done is taken by --serial with --again",
        )
    serial, event = units[0].serial, entries.events[units[0].serial]
    if event == DONE:
        return PantavisorError(
            f"{serial} was given to a unit already, by {path}", hint="use another serial"
        )
    return PantavisorError(
        f"{serial} was begun and not done, by {path}",
        hint="add --again if no other unit has it: it is the same unit, or that one is scrap",
    )


@contextmanager
def _opened(path: Path, *, has_head: bool = True) -> Iterator[tuple[BinaryIO, Entries]]:
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError as error:
        raise NotFound(
            f"the ledger {path} does not exist",
            hint=f"name the ledger of this factory by --ledger; "
            f"before the first unit of a product, run: pvr factory ledger {path} --new",
        ) from error
    with os.fdopen(descriptor, "r+b", buffering=0) as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FormatError(f"{path} is not a regular file", hint="name the file of the ledger")
        with atomic.exclusive(stream):
            try:
                entries = _read(stream, path)
                if has_head:
                    _check_end(entries, path)
                yield stream, entries
            except OSError as error:
                error.filename = error.filename or str(path)
                raise


def _read(stream: BinaryIO, path: Path) -> Entries:
    entries = Entries()
    size = os.fstat(stream.fileno()).st_size
    if size > MAX_BYTES:
        raise LimitError(
            f"{path} has more than {MAX_BYTES} bytes", hint="begin a new ledger with new serials"
        )
    # Behind the last line feed is what a power cut left of a line.
    *lines, _ = os.pread(stream.fileno(), size, 0).split(b"\n")
    for number, line in enumerate(lines, 1):
        entries.add(line + b"\n", f"{path}, line {number}")
    return entries


def _head_of(path: Path) -> Path:
    return path.with_name(path.name + HEAD)


def _check_end(entries: Entries, path: Path) -> None:
    """Raises FormatError for a ledger that ends before its head."""
    head = _head_of(path)
    try:
        mark = cjson.load_object(regular.read(head, limit=MAX_HEAD), what=str(head))
    except FileNotFoundError as error:
        if not entries.digests:
            return
        raise NotFound(
            f"{head} does not exist: {path} may have lost lines at its end",
            hint=f"copy {head.name} next to the ledger; where it lost no line, "
            f"run: pvr factory ledger {path} --whole",
        ) from error
    if not entries.has(mark):
        raise FormatError(
            f"{path} lacks line {mark.get('line')}, which {head} has: it is an older copy, or was cut",
            hint="use the newest copy of the ledger; without one begin a new ledger, with new serials",
        )


def _append(
    stream: BinaryIO, entries: Entries, unit: Unit, event: str, station: str, time: str, path: Path
) -> None:
    document: dict[str, Any] = {
        "#spec": SPEC, "after": entries.last, "event": event, "macs": sorted(unit.macs.values()),
        "serial": unit.serial, "station": station, "time": time,
    }  # fmt: skip
    line = cjson.dumps(document) + b"\n"
    if len(line) > MAX_LINE:
        raise LimitError(f"an event of {len(line)} bytes is too long for {path}")
    # The half line of a writer that lost its power. A file that may only grow is not asked without need.
    if os.fstat(stream.fileno()).st_size != entries.length:
        os.ftruncate(stream.fileno(), entries.length)
    if not entries.digests:
        _write_head(path, entries)
    if os.write(stream.fileno(), line) != len(line):
        os.ftruncate(stream.fileno(), entries.length)
        raise PantavisorError(f"{path} took only some of an event", hint="make room on its file system")
    os.fsync(stream.fileno())
    entries.add(line, str(path))
    _write_head(path, entries)


def _write_head(path: Path, entries: Entries) -> None:
    atomic.write(_head_of(path), cjson.dumps(entries.mark) + b"\n")
