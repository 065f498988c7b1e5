# SPDX-License-Identifier: MIT
"""Same content, other bytes: what another version of the codec's library makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .. import squashfs
from ..manifests.spec import OVERLAY_VOLUME, ROOT_VOLUME
from ..objects import ObjectPool
from ..squashfs import PackRecord
from ..state import Value
from .model import Container
from .overlay import difference

# What src.json records of a volume's content.
_DIGESTS = {ROOT_VOLUME: "docker_digest", OVERLAY_VOLUME: "docker_ovl_digest"}


def warn_of_codec(name: str, made: Container, before: Mapping[str, Value], pool: ObjectPool) -> Container:
    """``made`` with a warning for each volume that only the codec's version made different from those
    ``before``.

    Without a digest of their source, contents are compared where ``pool`` has both images.
    """
    return replace(made, warnings=(*made.warnings, *_warnings(name, before, made.files, pool)))


def _warnings(
    name: str, before: Mapping[str, Value], after: Mapping[str, Value], pool: ObjectPool
) -> tuple[str, ...]:
    old, new = _source(before, name), _source(after, name)
    found = []
    for volume, first, second in _repacked(old, new):
        ids = [files.get(f"{name}/{volume}") for files in (before, after)]
        if (
            None not in ids
            and ids[0] != ids[1]
            and _is_same(volume, old, new, [str(item) for item in ids], pool)
        ):
            version = second.version.rpartition(" ")[2]
            found.append(
                f"{name}/{volume}: packed with {first.version} before, now {version}: "
                "same content, other bytes"
            )
    return tuple(found)


def _source(files: Mapping[str, Value], name: str) -> Mapping[str, Any]:
    document = files.get(f"{name}/src.json")
    return document if isinstance(document, Mapping) else {}


def _repacked(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[tuple[str, PackRecord, PackRecord]]:
    before, after = old.get("squashfs"), new.get("squashfs")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return
    for volume in sorted(before.keys() & after.keys() & _DIGESTS.keys()):
        first, second = PackRecord.parse(before[volume]), PackRecord.parse(after[volume])
        if first and second and first.differs_in_version(second):
            yield volume, first, second


def _is_same(
    volume: str, old: Mapping[str, Any], new: Mapping[str, Any], ids: list[str], pool: ObjectPool
) -> bool:
    member = _DIGESTS[volume]
    if new.get(member) and not new.get("rootfs_url"):
        below = _DIGESTS[ROOT_VOLUME]
        return bool(old.get(member) == new[member] and old.get(below) == new.get(below))
    if not all(object_id in pool for object_id in ids):
        return False
    one, other = (squashfs.read(pool.path(object_id)) for object_id in ids)
    return not difference(one, other).root.entries
