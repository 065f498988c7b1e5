# SPDX-License-Identifier: MIT
"""A container from the part of another state, under its own name or a new one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from .. import cjson, names, pvs, repo
from ..errors import FormatError
from ..manifests import SourceChanges, SourceManifest
from ..manifests.spec import LXC_CONFIG
from ..objects import ObjectPool
from ..repo.working_tree import WorkingTree
from ..state import State, Value
from . import build
from .model import Container, PackOptions


@dataclass(frozen=True)
class PartCopy:
    """A part in ``pool``: its paths as they were, where it came from (without a path of this host), what it
    is.
    """

    part: str
    files: Mapping[str, Value]
    origin: str
    digest: str


def copy_part(source: Path, part: Optional[str], pool: ObjectPool, *, prefer: str = "") -> PartCopy:
    """Copy a container of a repository's committed state, of an export or of a directory to ``pool``, every
    object verified. Without ``part`` it is ``prefer``, or the only one.

    Raises FormatError.
    """
    if _is_plain(source):
        return _choose_part(_read_directory(source, pool), source, part, prefer)
    with repo.opened(source) as (state, other):
        taken = _choose_part(state, source, part, prefer)
        for object_id in sorted(State({"#spec": state["#spec"], **taken.files}).object_ids()):
            pool.copy_from(other, object_id)
    return taken


def _choose_part(state: State, source: Path, part: Optional[str], prefer: str) -> PartCopy:
    known = state.container_names()
    if part is None and prefer in known:
        part = prefer
    if part is None and len(known) != 1:
        raise FormatError(
            f"{source} has {len(known)} containers", hint=f"name one: {source}#{(known or ['NAME'])[0]}"
        )
    part = part or known[0]
    if part not in known:
        raise names.unknown(part, known, what=f"container of {source}:")
    files = {path: value for path, value in pvs.part_files(state, part).items() if path != "#spec"}
    digest = f"sha256:{hashlib.sha256(cjson.dumps(dict(files))).hexdigest()}"
    return PartCopy(part, files, f"{source.absolute().name}#{part}", digest)


def own_files(taken: PartCopy) -> tuple[PartCopy, tuple[str, ...]]:
    """The part's own folders alone; and a warning of the other paths that its signature mentions."""
    folders = (f"{taken.part}/", names.overlay_folder(taken.part))
    files = {path: value for path, value in taken.files.items() if path.startswith(folders)}
    foreign = sorted(set(taken.files) - set(files) - {names.signature_path(taken.part)})
    warnings = (_left_out(taken, foreign),) if foreign else ()
    return replace(taken, files=files), warnings


def _left_out(taken: PartCopy, foreign: Sequence[str]) -> str:
    paths = foreign[0] if len(foreign) == 1 else f"{foreign[0]} and {len(foreign) - 1} more"
    return f"left out, since it is outside {taken.part}: {paths}, of the signature in {taken.origin}"


def recorded_part(origin: str) -> Optional[str]:
    """The part in the ``origin`` of a PartCopy, as src.json keeps it; None where another tool recorded
    none.

    After the last ``#``: the name of a file may hold one, that of a part may not. (``repo.StateSource``
    asks the files of this host instead, where the source may long be gone.)
    """
    _, mark, part = origin.rpartition("#")
    return part if mark and part else None


def _is_plain(source: Path) -> bool:
    """Whether it is a directory with the files of a container, and no repository or unpacked export."""
    other = any((source / name).exists() for name in (".pvr", "json", "objects"))
    return not other and any(source.glob("*/run.json"))


def _read_directory(source: Path, pool: ObjectPool) -> State:
    tree = WorkingTree(source)
    # What a config overlay holds is for the container to read, byte for byte.
    files = {path: tree.read(path, raw=path.startswith(names.OVERLAYS), pool=pool) for path in tree.files()}
    return State.empty().with_files(files)


def make(
    name: str,
    taken: PartCopy,
    changes: SourceChanges,
    pool: ObjectPool,
    scratch: Path,
    *,
    options: PackOptions,
    find_root: Callable[[str], Optional[str]],
) -> Container:
    """The container ``name`` from a part. Its signature holds only for its own name and for what it
    covered.

    ``find_root`` gives the object id in ``pool`` of another container's root.squashfs, or None.

    Raises FormatError.
    """
    names.check_container(name)
    document = taken.files.get(f"{taken.part}/src.json", {})
    if not isinstance(document, Mapping):
        raise FormatError(f"{taken.origin} has a src.json that is not a JSON object")
    source = SourceManifest.parse(document, what=f"src.json of {taken.origin}")
    # The type follows from what is recorded, and rootfs_url would come first.
    source = replace(source, pvr_url=taken.origin, pvr_digest=taken.digest, rootfs_url=None)
    files = _renamed(taken, name)
    if name == taken.part and not changes:
        return Container({**files, f"{name}/src.json": source.document(name)})
    signature = names.signature_path(taken.part) in taken.files
    lost = (f"the signature of {taken.origin} does not match {name} and was dropped",) if signature else ()
    if "docker_config" not in document:
        return _only_renamed(name, taken, changes, files, source, lost)
    kept = {
        path: value
        for path, value in files.items()
        if path not in (f"{name}/{LXC_CONFIG}", names.signature_path(name))
    }
    base = find_root(source.base) if source.base else None
    made = build.rebuild_manifests(
        name, source.changed_by(changes), kept, pool, scratch, options=options, base=base
    )
    return replace(made, warnings=(*lost, *made.warnings))


def recorded_verity(taken: PartCopy) -> dict[str, Mapping[str, Any]]:
    """The part's ``_dm`` manifests by volume."""
    prefix = f"{taken.part}/_dm/"
    return {
        path[len(prefix) : -len(".json")]: value
        for path, value in taken.files.items()
        if path.startswith(prefix) and path.endswith(".json") and isinstance(value, Mapping)
    }


def _renamed(taken: PartCopy, name: str) -> dict[str, Value]:
    """The files under the new name; those of the part's own folders only, and its signature if the name
    stays.
    """
    if name == taken.part:
        return dict(taken.files)
    files: dict[str, Value] = {}
    folders = {f"{taken.part}/": f"{name}/", names.overlay_folder(taken.part): names.overlay_folder(name)}
    for old, new in folders.items():
        files.update(
            {new + path[len(old) :]: value for path, value in taken.files.items() if path.startswith(old)}
        )
    return files


def _only_renamed(
    name: str,
    taken: PartCopy,
    changes: SourceChanges,
    files: dict[str, Value],
    source: SourceManifest,
    lost: tuple[str, ...],
) -> Container:
    run = taken.files.get(f"{taken.part}/run.json")
    if changes or not isinstance(run, Mapping):
        raise FormatError(
            f"{taken.origin} does not record the config of an image, so it can only be taken as it is"
        )
    files = {path: value for path, value in files.items() if not path.startswith(names.SIGNATURES)}
    files[f"{name}/run.json"] = {**run, "name": name}
    files[f"{name}/src.json"] = source.document(name)
    warnings = lost
    if f"{name}/{LXC_CONFIG}" in files:
        warnings += (f"{LXC_CONFIG} of {taken.origin} is kept as it is: paths in it may name {taken.part}",)
    return Container(files, warnings)
