# SPDX-License-Identifier: MIT
"""An inspection as tables of text: a title, a head and rows each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from .. import names
from ..packages import KINDS, Inventory
from ..readers import printable
from .model import ChangesView, FileView, Inspection, Revision, SignatureView

SHORT = 12  # hex digits that distinguish objects
MAX_SHOWN = 200  # rows of what file systems hold, at a terminal


@dataclass(frozen=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(inspection: Inspection, *, whole: bool = True) -> tuple[Table, ...]:
    """Every table that has rows, the overview first. ``whole`` has each package in it, and each file that
    changed inside.
    """
    found = [_overview(inspection), _partitions(inspection), _boot(inspection)]
    for revision in inspection.revisions:
        found += _revision(revision)
        found += _packages(revision) if whole else ()
    if inspection.changes is not None:
        found += _changes(inspection.changes, whole=whole)
    found.append(Table("Problems", ("problem",), tuple((problem,) for problem in inspection.problems)))
    return tuple(table for table in found if table.rows)


def render_text(inspection: Inspection) -> str:
    """All tables as text, columns as wide as they need to be."""
    return "\n\n".join("\n".join(_lines(table)) for table in tables(inspection, whole=False))


def _lines(table: Table) -> Iterator[str]:
    yield printable(table.title)
    rows = [tuple(map(printable, row)) for row in (table.head, *table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    for row in rows:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip()


def human(size: Optional[int]) -> str:
    """``size`` bytes in a unit that fits (powers of 1000), or "missing"."""
    if size is None:
        return "missing"
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 999.95 or unit == "TB":
            break
    return f"{amount:.1f} {unit}"


def _overview(inspection: Inspection) -> Table:
    rows = [("kind", inspection.kind), ("size", human(inspection.size) if inspection.size else "")]
    rows.append(("objects", human(inspection.stored)))
    for revision in inspection.revisions:
        rows.append((f"state {revision.name}".strip(), revision.state.digest()))
    return Table(str(inspection.target), ("what", "value"), tuple(row for row in rows if row[1]))


def _partitions(inspection: Inspection) -> Table:
    rows = (
        (str(item.index), item.name, item.kind, human(item.start), human(item.size))
        for item in inspection.partitions
    )
    return Table("Partitions", ("number", "name", "type", "start", "size"), tuple(rows))


def _boot(inspection: Inspection) -> Table:
    return Table(
        "Boot files", ("file", "size"), tuple((path, human(size)) for path, size in inspection.boot_files)
    )


def _revision(revision: Revision) -> Iterator[Table]:
    suffix = f" of revision {revision.name}" if revision.name else ""
    parts = (
        (part.name, human(part.size), str(len(part.files)), part.group, part.origin)
        for part in revision.parts
    )
    yield Table(f"Parts{suffix}", ("part", "size", "files", "group", "origin"), tuple(parts))
    packed = (
        (f"{part.name}/{volume}", str(packing))
        for part in revision.parts
        for volume, packing in part.packed
    )
    yield Table(f"Packed{suffix}", ("volume", "with"), tuple(packed))
    counts = (
        (part.name, _distribution(part.inventory), _counts(part.inventory), "; ".join(part.inventory.notes))
        for part in revision.parts
        if part.inventory is not None
    )
    yield Table(f"Packages{suffix}", ("part", "distribution", "packages", "notes"), tuple(counts))
    rights = ((part.name, str(part.isolation)) for part in revision.parts if part.isolation is not None)
    yield Table(f"Rights{suffix}", ("container", "may do"), tuple(rights))
    signatures = (
        (item.name, item.algorithm, item.signer, str(item.covers), item.problem or _matches(item))
        for item in revision.signatures
    )
    yield Table(
        f"Signatures{suffix}", ("signature", "algorithm", "signer", "paths", "state"), tuple(signatures)
    )
    covered = set(revision.coverage.protected)
    excluded = set(revision.coverage.excluded)
    files = (
        (file.path, human(file.size), _identity(file), str(file.uses), _protection(file, covered, excluded))
        for file in revision.files
    )
    yield Table(f"Files{suffix}", ("path", "size", "object", "uses", "signed"), tuple(files))


def _distribution(inventory: Inventory) -> str:
    found = inventory.distribution
    return f"{found.id} {found.version}".strip() if found else ""


def _counts(inventory: Inventory) -> str:
    counts = Counter(package.kind for package in inventory.packages)
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]) or "none found"


def _packages(revision: Revision) -> Iterator[Table]:
    for part in revision.parts:
        rows = (
            (package.kind, package.name, package.version, package.licence, package.place)
            for package in (part.inventory.packages if part.inventory else ())
        )
        suffix = f" of revision {revision.name}" if revision.name else ""
        head = ("kind", "package", "version", "licence", "listed in")
        yield Table(f"Packages in {part.name}{suffix}", head, tuple(rows))


def _matches(signature: SignatureView) -> str:
    return "matches" if signature.release is None else f"matches, binds release {signature.release}"


def _identity(file: FileView) -> str:
    return file.object_id[:SHORT] if file.object_id else "inline"


def _protection(file: FileView, covered: set[str], excluded: set[str]) -> str:
    if file.path.startswith(names.SIGNATURES):
        return ""
    if file.path in covered:
        return "yes"
    return "excluded" if file.path in excluded else "no"


def _changes(changes: ChangesView, *, whole: bool) -> Iterator[Table]:
    rows = [("added", file.path, "", human(file.size)) for file in changes.added]
    rows += [("removed", file.path, human(file.size), "") for file in changes.removed]
    rows += [("changed", new.path, human(old.size), human(new.size)) for old, new in changes.changed]
    title = f"Changes from {changes.older}: an update carries {human(changes.update_bytes)}"
    yield Table(title, ("change", "path", "before", "now"), tuple(sorted(rows, key=lambda row: row[1])))
    packages = [
        (item.part, item.kind, item.name, ", ".join(item.before), ", ".join(item.now))
        for item in changes.packages
    ]
    head = ("part", "kind", "package", "before", "now")
    yield Table("Packages that changed", head, _shown(packages, len(head), whole))
    inner = [(item.change, item.volume, item.path) for item in changes.inner]
    yield Table("Files inside that changed", ("change", "volume", "path"), _shown(inner, 3, whole))
    yield Table("Not compared", ("note",), tuple((note,) for note in changes.notes))


def _shown(rows: Sequence[tuple[str, ...]], columns: int, whole: bool) -> tuple[tuple[str, ...], ...]:
    if whole or len(rows) <= MAX_SHOWN:
        return tuple(rows)
    more = f"and {len(rows) - MAX_SHOWN} more: use --json or --html"
    return (*rows[:MAX_SHOWN], (more, *[""] * (columns - 1)))
