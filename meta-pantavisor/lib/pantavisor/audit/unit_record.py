# SPDX-License-Identifier: MIT
"""The record of a unit, which no signature covers: is it one, and is nothing next to it."""

from __future__ import annotations

from .. import unit
from ..errors import PantavisorError
from ..readers import Findings, Storage, read_small


def check(storage: Storage, findings: Findings) -> None:
    """See that ``factory`` of the storage holds a record that containers can rely on the form of."""
    for path, entry in sorted(storage.entries.items()):
        if path == unit.FOLDER or not path.startswith(f"{unit.FOLDER}/"):
            continue
        if path != unit.PATH or entry.kind != "file":
            findings.add("unit", path, f"is not {unit.PATH}, the one file that belongs there")
            continue
        try:
            unit.Unit.parse(read_small(storage, entry, limit=unit.MAX_BYTES))
        except PantavisorError as error:
            findings.add("unit", path, error.message, error.hint)
