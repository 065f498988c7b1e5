# SPDX-License-Identifier: MIT
"""``pvr vulnerabilities``: packages that advisories on this host are about."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotFound
from . import artefact
from .console import Console

if TYPE_CHECKING:
    from ..advisories import Match


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add vulnerabilities."""
    command = commands.add_parser(
        "vulnerabilities",
        help="list packages with known vulnerabilities",
        description=(
            "List the packages of a disk image, storage tree, export or repository that advisories of OSV "
            "are about. Nothing is fetched: the advisories are those that you bring."
        ),
    )
    artefact.declare(command, "what to look into, of several revisions the highest")
    command.add_argument(
        "--osv",
        type=Path,
        required=True,
        metavar="PATH",
        help="advisories: a directory of JSON or zip files, or one zip file, as OSV exports them",
    )
    command.add_argument("--json", action="store_true", help="print JSON, for programs")
    command.set_defaults(run=_vulnerabilities)


def _vulnerabilities(options: argparse.Namespace, console: Console) -> None:
    from .. import advisories, inspect
    from ..readers import printable

    inspection = inspect.read(options.target)
    if not inspection.revisions:
        raise NotFound(f"{options.target} holds no state", hint=f"run: pvr inspect {options.target}")
    parts = inspect.latest(inspection).parts
    inventories = {part.name: part.inventory for part in parts if part.inventory}
    result = advisories.search(inventories, options.osv)
    count, found = result.count, result.matches
    notes = [f"{name}: {note}" for name, inventory in inventories.items() for note in inventory.notes]
    notes += result.notes
    if options.json:
        matches = [_document(match) for match in found]
        console.json(
            {"#spec": "pantavisor-vulnerabilities@1", "advisories": count, "found": matches, "notes": notes}
        )
        return
    if found:
        head = ("part", "kind", "package", "version", "advisory", "fixed in", "about")
        console.table(head, [tuple(map(printable, _row(match))) for match in found])
    console.line(f"{len(found)} of {count} advisories and packages match")
    for note in notes:
        console.line(f"note: {printable(note)}")


def _document(match: Match) -> dict[str, Any]:
    return {
        "aliases": list(match.advisory.aliases),
        "fixed": list(match.advisory.fixed),
        "id": match.advisory.id,
        "kind": match.package.kind,
        "name": match.package.name,
        "part": match.part,
        "place": match.package.place,
        "summary": match.advisory.summary,
        "version": match.package.version,
    }


def _row(match: Match) -> tuple[str, ...]:
    package, advisory = match.package, match.advisory
    fixed = ", ".join(advisory.fixed)
    return (
        match.part, package.kind, package.name, package.version, advisory.id, fixed, advisory.summary
    )  # fmt: skip
