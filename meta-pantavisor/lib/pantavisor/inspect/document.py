# SPDX-License-Identifier: MIT
"""An inspection as one JSON document for programs; sizes in bytes, digests in full."""

from __future__ import annotations

from typing import Any, Optional

from ..isolation import Isolation
from ..packages import Inventory, purl
from .model import ChangesView, FileView, Inspection, Part, Revision

SPEC = "pantavisor-inspection@1"


def document(inspection: Inspection) -> dict[str, Any]:
    """Members are only ever added within one ``#spec``."""
    found: dict[str, Any] = {
        "#spec": SPEC,
        "boot_files": [{"path": path, "size": size} for path, size in inspection.boot_files],
        "kind": inspection.kind,
        "partitions": [
            {
                "index": item.index,
                "kind": item.kind,
                "name": item.name,
                "size": item.size,
                "start": item.start,
            }
            for item in inspection.partitions
        ],
        "problems": list(inspection.problems),
        "revisions": [_revision(revision) for revision in inspection.revisions],
        "size": inspection.size,
        "stored": inspection.stored,
        "target": str(inspection.target),
    }
    if inspection.changes is not None:
        found["changes"] = _changes(inspection.changes)
    return found


def _changes(changes: ChangesView) -> dict[str, Any]:
    return {
        "added": [_file(file) for file in changes.added],
        "changed": [{"before": _file(old), "now": _file(new)} for old, new in changes.changed],
        "inside": [
            {"change": item.change, "path": item.path, "volume": item.volume} for item in changes.inner
        ],
        "notes": list(changes.notes),
        "older": str(changes.older),
        "packages": [
            {
                "before": list(item.before),
                "kind": item.kind,
                "name": item.name,
                "now": list(item.now),
                "part": item.part,
            }
            for item in changes.packages
        ],
        "removed": [_file(file) for file in changes.removed],
        "update_bytes": changes.update_bytes,
    }


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "coverage": {
            "excluded": list(revision.coverage.excluded),
            "protected": list(revision.coverage.protected),
            "unseen": list(revision.coverage.unseen),
        },
        "name": revision.name,
        "parts": [_part(part) for part in revision.parts],
        "signatures": [
            {
                "algorithm": item.algorithm,
                "covers": item.covers,
                "exclude": list(item.exclude),
                "include": list(item.include),
                "name": item.name,
                "problem": item.problem,
                "release": item.release,
                "signer": item.signer,
            }
            for item in revision.signatures
        ],
        "state": revision.state.digest(),
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "files": [_file(file) for file in part.files],
        "group": part.group,
        "inventory": _inventory(part.inventory),
        "isolation": _isolation(part.isolation),
        "name": part.name,
        "origin": part.origin,
        "packed": {volume: packing.document() for volume, packing in part.packed},
        "size": part.size,
    }


def _inventory(found: Optional[Inventory]) -> Optional[dict[str, Any]]:
    if found is None:
        return None
    distribution = found.distribution
    return {
        "distribution": distribution and {"id": distribution.id, "version": distribution.version},
        "notes": list(found.notes),
        "packages": [
            {
                "architecture": package.architecture,
                "kind": package.kind,
                "licence": package.licence,
                "name": package.name,
                "owned": package.owned,
                "place": package.place,
                "purl": purl(package, distribution),
                "source": package.source,
                "source_version": package.source_version,
                "version": package.version,
            }
            for package in found.packages
        ],
    }


def _isolation(found: Optional[Isolation]) -> Optional[dict[str, Any]]:
    if found is None:
        return None
    return {"confined": found.is_confined, "lacks": list(found.lacks), "reaches": list(found.reaches)}


def _file(file: FileView) -> dict[str, Any]:
    return {
        "inline": file.object_id is None,
        "path": file.path,
        "sha256": file.digest,
        "size": file.size,
        "uses": file.uses,
    }
