# SPDX-License-Identifier: MIT
"""What a newer state has that an older one has not, in its file systems too, and what an update from one to
the other must carry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ..errors import PantavisorError
from ..readers import Findings, opened
from . import roots
from .model import ChangesView, FileView, InnerChange, Inspection, PackageChange, Revision, latest


def compare(newer: Inspection, older: Inspection) -> Optional[ChangesView]:
    """The latest revision of each against the other, or None where one has none."""
    if not newer.revisions or not older.revisions:
        return None
    ours, theirs = latest(newer), latest(older)
    new, old = _files(ours), _files(theirs)
    sizes = {file.object_id: file.size or 0 for file in new.values() if file.object_id}
    inner, notes = _inner(newer, older)
    return ChangesView(
        older=older.target,
        added=tuple(new[path] for path in sorted(new.keys() - old.keys())),
        removed=tuple(old[path] for path in sorted(old.keys() - new.keys())),
        changed=tuple(
            (old[path], new[path])
            for path in sorted(new.keys() & old.keys())
            if _differ(old[path], new[path])
        ),
        update_bytes=sum(sizes[name] for name in ours.state.missing_objects(theirs.state)),
        packages=tuple(_package_changes(ours, theirs)),
        inner=inner,
        notes=notes,
    )


def _files(revision: Revision) -> dict[str, FileView]:
    return {file.path: file for file in revision.files}


def _package_changes(ours: Revision, theirs: Revision) -> Iterator[PackageChange]:
    new, old = _versions(ours), _versions(theirs)
    for key in sorted(new.keys() | old.keys()):
        now, before = new.get(key, ()), old.get(key, ())
        if now != before:
            yield PackageChange(*key, before, now)


def _versions(revision: Revision) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """The versions of each package by part, kind and name."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for part in revision.parts:
        for package in part.inventory.packages if part.inventory else ():
            found.setdefault((part.name, package.kind, package.name), set()).add(package.version)
    return {key: tuple(sorted(versions)) for key, versions in found.items()}


def _inner(newer: Inspection, older: Inspection) -> tuple[tuple[InnerChange, ...], tuple[str, ...]]:
    """The files that changed in file systems of both, and what could not be compared."""
    ours, theirs = _volumes(latest(newer)), _volumes(latest(older))
    differing = [path for path in sorted(ours.keys() & theirs.keys()) if ours[path] != theirs[path]]
    found: list[InnerChange] = []
    notes: list[str] = []
    if differing:
        with opened(newer.target, Findings()) as new, opened(older.target, Findings()) as old:
            for path in differing:
                try:
                    with roots.tree(new, ours[path]) as now, roots.tree(old, theirs[path]) as before:
                        found += _file_changes(path, roots.listing(now), roots.listing(before))
                except PantavisorError as error:
                    notes.append(f"{path} is not compared: {error.message}")
    return tuple(found), tuple(notes)


def _volumes(revision: Revision) -> dict[str, tuple[str, ...]]:
    return {
        path: objects
        for part in revision.parts
        for path, objects in roots.volumes(revision.state, part.name).items()
    }


def _file_changes(
    volume: str, now: dict[str, roots.Digest], before: dict[str, roots.Digest]
) -> Iterator[InnerChange]:
    for path in sorted(now.keys() | before.keys()):
        if path not in before:
            yield InnerChange(volume, path, "added")
        elif path not in now:
            yield InnerChange(volume, path, "removed")
        elif now[path] != before[path]:
            yield InnerChange(volume, path, "changed")


def _differ(old: FileView, new: FileView) -> bool:
    return (old.object_id is None, old.digest) != (new.object_id is None, new.digest)
