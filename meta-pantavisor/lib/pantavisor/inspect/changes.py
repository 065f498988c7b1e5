# SPDX-License-Identifier: MIT
"""What a newer state has that an older one has not, and what an update from one to the other must carry."""

from __future__ import annotations

from typing import Optional

from .model import ChangesView, FileView, Inspection, Revision


def compare(newer: Inspection, older: Inspection) -> Optional[ChangesView]:
    """The latest revision of each against the other, or None where one has none."""
    if not newer.revisions or not older.revisions:
        return None
    ours, theirs = _latest(newer), _latest(older)
    new, old = _files(ours), _files(theirs)
    sizes = {file.object_id: file.size or 0 for file in new.values() if file.object_id}
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
    )


def _latest(inspection: Inspection) -> Revision:
    """The revision with the highest number; named ones come before numbers."""
    return max(
        inspection.revisions,
        key=lambda item: (item.name.isdecimal(), int(item.name) if item.name.isdecimal() else 0),
    )


def _files(revision: Revision) -> dict[str, FileView]:
    return {file.path: file for file in revision.files}


def _differ(old: FileView, new: FileView) -> bool:
    return (old.object_id is None, old.digest) != (new.object_id is None, new.digest)
