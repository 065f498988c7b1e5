# SPDX-License-Identifier: MIT
"""Reading what is inside a target into plain values."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Optional

from .. import cjson, keys, names, pvs
from ..digest import is_object_id
from ..errors import PantavisorError
from ..isolation import isolation
from ..readers import Damaged, Findings, Opened, opened, parse_states
from ..readers.partition import KNOWN_KINDS
from ..squashfs import PackRecord
from ..state import State
from .model import DEVICE, FileView, Inspection, Part, PartitionView, Revision, SignatureView
from .roots import Inventories

MAX_TEXT_BYTES = 256 * 1024  # of a file whose text is looked into


def read(path: Path) -> Inspection:
    """Look into a target of any kind. Raises NotFound where there is none."""
    path = Path(path)
    findings = Findings()
    with opened(path, findings) as found:
        states = parse_states(found.texts, findings)
        uses = Counter(value for state in states.values() for value in state.objects().values())
        boots = found.contents.boots
        inventories = Inventories(found)
        return Inspection(
            target=path,
            kind=found.kind,
            size=found.size,
            stored=sum(found.sizes.values()),
            partitions=_partitions(found),
            boot_files=tuple(
                sorted((file.path, file.size) for boot in boots for file in boot.files.values())
            ),
            revisions=tuple(
                _revision(name, states[name], found, uses, inventories) for name in sorted(states)
            ),
            problems=tuple(map(str, findings)),
        )


def _partitions(found: Opened) -> tuple[PartitionView, ...]:
    return tuple(
        PartitionView(item.index, item.name, KNOWN_KINDS.get(item.kind, item.kind), item.start, item.size)
        for item in found.contents.partitions
    )


def _revision(
    name: str, state: State, opened: Opened, uses: Counter[str], inventories: Inventories
) -> Revision:
    found = []
    for path, value in state.items():
        if (
            path.startswith(names.SIGNATURES)
            or isinstance(value, Mapping)
            and value.get("#spec") == pvs.SPEC
        ):
            found.append(_signature(state, path, value))
    parsed = [item for item, _ in found if item is not None]
    return Revision(
        name=name,
        state=state,
        parts=tuple(
            replace(part, inventory=inventories.of(state, part.name))
            for part in _parts(state, opened, uses)
        ),
        signatures=tuple(view for _, view in found),
        coverage=pvs.coverage(state, parsed),
    )


def _parts(state: State, opened: Opened, uses: Counter[str]) -> tuple[Part, ...]:
    names = set(state.part_names())
    files: dict[str, list[FileView]] = {}
    for path in state:
        if path != "#spec":
            files.setdefault(_part_of(path, names), []).append(_file(state, path, opened.sizes, uses))
    return tuple(_part(state, name, tuple(files[name]), opened) for name in sorted(files, key=_order))


def _order(name: str) -> tuple[int, str]:
    return {"bsp": 0, DEVICE: 2}.get(name, 1), name


def _part_of(path: str, names: set[str]) -> str:
    first, _, rest = path.partition("/")
    if first == "_config":
        first = rest.partition("/")[0]
    elif first == "_sigs":
        first = rest.removesuffix(".json")
    return first if first in names else DEVICE


def _part(state: State, name: str, files: tuple[FileView, ...], opened: Opened) -> Part:
    source, run = state.get(f"{name}/src.json"), state.get(f"{name}/run.json")
    origin = group = ""
    packed: tuple[tuple[str, PackRecord], ...] = ()
    if isinstance(source, Mapping):
        origin = str(
            source.get("docker_digest") or source.get("docker_name") or source.get("rootfs_url") or ""
        )
        packed = _packed(source.get("squashfs"))
    isolated = None
    if isinstance(run, Mapping):
        group = str(run.get("group") or run.get("runlevel") or "")
        conf = _text(opened, state.get(f"{name}/{run.get('config')}")) if run.get("config") else None
        isolated = None if conf is None else isolation(name, conf, run)
    return Part(name, files, origin, group, packed, isolated)


def _text(opened: Opened, value: object) -> Optional[str]:
    """The text of a small object."""
    if (
        not isinstance(value, str)
        or value not in opened.objects
        or opened.sizes.get(value, 0) > MAX_TEXT_BYTES
    ):
        return None
    try:
        return b"".join(opened.objects[value]()).decode("utf-8", "replace")
    except (Damaged, OSError):
        return None


def _packed(notes: object) -> tuple[tuple[str, PackRecord], ...]:
    if not isinstance(notes, Mapping):
        return ()
    found = ((volume, PackRecord.parse(notes[volume])) for volume in sorted(notes))
    return tuple((volume, packing) for volume, packing in found if packing)


def _file(state: State, path: str, sizes: Mapping[str, int], uses: Counter[str]) -> FileView:
    value = state[path]
    if isinstance(value, str) and is_object_id(value):
        return FileView(path, sizes.get(value), value, uses[value], value)
    text = cjson.dumps(value)
    return FileView(path, len(text), None, 1, hashlib.sha256(text).hexdigest())


def _signature(state: State, path: str, value: object) -> tuple[Optional[pvs.Signature], SignatureView]:
    try:
        parsed = pvs.Signature.parse(path, value)
    except PantavisorError as error:
        return None, SignatureView(path, "", "", 0, (), (), error.message)
    signer = problem = ""
    try:
        signer = keys.subject_of(parsed.x5c[0], what=f"signature {path}") if parsed.x5c else ""
        keys.verify_signature(parsed, state, keys.TrustStore.parse(keys.own_root(parsed)))
    except PantavisorError as error:
        problem = error.message
    covers = sum(1 for name in state if parsed.selection.covers(name))
    view = SignatureView(
        path,
        parsed.algorithm,
        signer,
        covers,
        parsed.selection.include,
        parsed.selection.exclude,
        problem,
        parsed.release,
    )
    return parsed, view
