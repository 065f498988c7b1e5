# SPDX-License-Identifier: MIT
"""The plan of a factory: a table in CSV with a line for each unit that is to be made.

Columns: ``serial``, ``mac.<interface>``, ``locale``, ``certificate`` and ``request``, which name files next
to the table, and ``value.<name>``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Optional

from .. import beneath, names, regular
from ..errors import FormatError, LimitError
from ..unit import MAX_PEM, Unit

MAX_BYTES = 64 * 1024 * 1024
MAX_UNITS = 200_000
MAX_COLUMNS = 128
PLAIN = ("serial", "locale", "certificate", "request")
KINDS = ("mac.", "value.")


def read(path: Path) -> tuple[Unit, ...]:
    """The units in their order. No serial number and no address may be in it twice.

    Raises FormatError, with the line.
    """
    rows = _rows(path)
    head = _head(next(rows, []), path)
    found: list[Unit] = []
    seen: dict[str, str] = {}
    for number, row in enumerate(rows, 2):
        if not any(map(str.strip, row)):
            continue
        if len(found) >= MAX_UNITS:
            raise LimitError(f"{path} has more than {MAX_UNITS} units", hint="make several of it")
        try:
            unit = _unit(head, row, path)
            _check_first(unit, seen)
        except FormatError as error:
            raise FormatError(f"{path}, line {number}: {error.message}", hint=error.hint) from error
        found.append(unit)
    if not found:
        raise FormatError(
            f"{path} has no units",
            hint="add a line of columns, such as serial,mac.eth0, and one for each unit",
        )
    return tuple(found)


def _rows(path: Path) -> Iterator[list[str]]:
    with regular.opened(path, pipe=True) as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise LimitError(f"{path} has more than {MAX_BYTES} bytes", hint="make several of it")
    try:
        # Spreadsheets begin their UTF-8 with a mark.
        text = data.decode("utf-8-sig")
        yield from csv.reader(io.StringIO(text, newline=""), strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path} is not CSV in UTF-8: {error}", hint="export it with commas") from error


def _head(row: list[str], path: Path) -> list[str]:
    head = [name.strip() for name in row]
    if len(head) > MAX_COLUMNS:
        raise LimitError(f"{path} has more than {MAX_COLUMNS} columns")
    for name in head:
        if name not in PLAIN and not name.startswith(KINDS):
            raise names.unknown(name, [*PLAIN, "mac.eth0"], what=f"column of {path}:")
    if "serial" not in head or len(set(head)) < len(head):
        raise FormatError(
            f"{path} has no column serial, or one of them twice", hint="name each column once"
        )
    return head


def _unit(head: list[str], row: list[str], path: Path) -> Unit:
    if len(row) != len(head):
        raise FormatError(f"it has {len(row)} cells, and the head has {len(head)}")
    cells = {name: cell.strip() for name, cell in zip(head, row) if cell.strip()}
    return Unit(
        serial=cells.get("serial", ""),
        macs={name: mac.lower().replace("-", ":") for name, mac in _kind("mac.", cells).items()},
        locale=cells.get("locale"),
        certificate=_file(cells, "certificate", path),
        request=_file(cells, "request", path),
        values=_kind("value.", cells),
    )


def _kind(prefix: str, cells: Mapping[str, str]) -> dict[str, str]:
    return {name[len(prefix) :]: cell for name, cell in cells.items() if name.startswith(prefix)}


def _file(cells: Mapping[str, str], name: str, path: Path) -> Optional[str]:
    """The text of the file that a cell names; only files of the table's own directory are taken."""
    if name not in cells:
        return None
    names.check_path(cells[name], what=name)
    try:
        data = beneath.read(path.parent, cells[name], limit=MAX_PEM)
    except OSError as error:
        raise FormatError(f"{name} {cells[name]}: {error.strerror}") from error
    return data.decode("ascii", "replace").replace("\r\n", "\n")


def _check_first(unit: Unit, seen: dict[str, str]) -> None:
    for what in (unit.serial, *unit.macs.values()):
        if what in seen:
            raise FormatError(f"{what} is that of {seen[what]} already", hint="give each unit its own")
        seen[what] = unit.serial
