# SPDX-License-Identifier: MIT
"""Containers of the working tree, as they are on disk and not as they were committed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Optional

from .. import atomic, beneath, cjson, digest, manifests, names, repo
from ..container import Container
from ..errors import NotFound
from ..manifests.spec import LXC_CONFIG, OVERLAY_VOLUME, ROOT_VOLUME
from ..objects import ObjectPool
from ..repo import Repository
from ..state import Value
from .request import Notify

SCRATCH = ".making."


@contextmanager
def scratch(repository: Repository) -> Iterator[Path]:
    """A folder of our own below ``.pvr``; what killed commands left there goes first.

    A lock on the folder distinguishes the living from the dead: the kernel drops it with the process.
    """
    with ExitStack() as stack:
        with repository.lock():
            with beneath.folder(repository.root, repo.FOLDER) as place:
                for left in os.listdir(place):
                    if left.startswith(SCRATCH):
                        _remove_dead(place / left)
            folder = stack.enter_context(repository.folder.scratch(SCRATCH))
            stack.enter_context(atomic.exclusive(folder))
        yield folder


def _remove_dead(folder: Path) -> None:
    try:
        with atomic.exclusive(folder, wait=False):
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # another command is at work in it


def container_names(repository: Repository) -> tuple[str, ...]:
    folders = (path.parent.name for path in repository.root.glob("*/src.json"))
    return tuple(sorted(name for name in folders if name not in names.RESERVED_CONTAINERS))


def source(repository: Repository, name: str) -> manifests.SourceManifest:
    """src.json of the container ``name``. Raises NotFound with the nearest name, PantavisorError where no
    checkout has written it yet.
    """
    names.check_container(name)
    path = f"{name}/src.json"
    if not beneath.is_file(repository.root, path):
        repository.need_written(name)
        raise NotFound(
            f"there is no container {name} in {repository.root}",
            hint=names.hint(name, container_names(repository), "run: pvr app ls"),
        )
    what = str(repository.root / path)
    return manifests.SourceManifest.parse(_object(repository, path), what=what)


def kind(source: manifests.SourceManifest) -> str:
    """docker, rootfs or pvr: what the container was made from."""
    if source.pvr_url:
        return "pvr"
    return "rootfs" if source.rootfs_url else "docker"


def verity_manifests(repository: Repository, name: str) -> dict[str, dict[str, Any]]:
    """The recorded ``_dm`` documents by volume."""
    found = {}
    for file in _files(repository, f"{name}/_dm"):
        if file.endswith(".json"):
            found[file[: -len(".json")]] = _object(repository, f"{name}/_dm/{file}")
    return found


def volumes(repository: Repository, name: str, pool: ObjectPool) -> dict[str, Value]:
    """The squashfs files of the container and their digest files, put into ``pool``."""
    files: dict[str, Value] = {}
    for file in _files(repository, name):
        if ".squashfs" in file and not file.endswith(".hash"):
            files[f"{name}/{file}"] = _put(repository, f"{name}/{file}", pool)
    return files


def root(repository: Repository, name: str) -> Optional[str]:
    """The object id of the container's root.squashfs, which is put into the pool;
    None where it has none.
    """
    path = f"{names.check_container(name)}/{ROOT_VOLUME}"
    return _put(repository, path, repository.pool) if beneath.is_file(repository.root, path) else None


def _object(repository: Repository, path: str) -> dict[str, Any]:
    """A JSON object of the working tree, which may be of others: no link is followed."""
    return cjson.load_object(
        beneath.read(repository.root, path, limit=cjson.MAX_BYTES), what=str(repository.root / path)
    )


def _files(repository: Repository, folder: str) -> list[str]:
    """The plain files in a folder, sorted."""
    try:
        with beneath.folder(repository.root, folder) as place:
            found = os.listdir(place)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in found if beneath.is_file(repository.root, f"{folder}/{name}"))


def _put(repository: Repository, path: str, pool: ObjectPool) -> str:
    with beneath.open_file(repository.root, path) as stream:
        object_id = digest.stream_sha256(stream)
        if object_id not in pool:
            stream.seek(0)
            object_id = pool.put_stream(stream)
    return object_id


def check_device(repository: Repository, name: str, run: Value) -> None:
    """What the container's run.json refers to must be in device.json: a device refuses the whole state
    otherwise.
    """
    device = repo.read_device(repository)
    if device is not None and isinstance(run, Mapping):
        manifests.check_references(run, device, f"{name}/run.json")


def _warn_of_device(repository: Repository, name: str, run: Value, notify: Notify) -> None:
    if not isinstance(run, Mapping) or repo.read_device(repository) is not None:
        return
    wanted = [f"{kind} {found}" for kind, found, _ in manifests.references(run, f"{name}/run.json")]
    if wanted:
        notify.warn(
            f"there is no {repo.DEVICE} to look up {', '.join(wanted)} in; run: pvr device init"
        )


def write(
    repository: Repository,
    name: str,
    made: Container,
    notify: Notify,
    *,
    new: bool = False,
    gone: Iterable[str] = (),
) -> None:
    """Put the container in place of what was made of it before, and of the paths ``gone``; the user's own
    files there stay. A ``new`` one appears whole or not at all.
    """
    stale = set(gone) - made.files.keys()
    if new:
        own = {path: value for path, value in made.files.items() if path.startswith(f"{name}/")}
        others = {path: value for path, value in made.files.items() if path not in own}
        repository.write_files(others, gone=stale)
        repository.write_folder(name, own)
    else:
        stale |= _made_before(repository, name) - made.files.keys()
        repository.write_files(made.files, gone=stale)
    _warn_of_device(repository, name, made.files[f"{name}/run.json"], notify)
    for warning in (*made.warnings, *made.notes):
        notify.warn(warning)


def paths(repository: Repository, name: str) -> set[str]:
    """What the working tree holds of the container, committed or not."""
    found = set()
    for head in (name, names.overlay_folder(name), names.signature_path(name)):
        path = repository.root / head
        files = [path] if path.is_file() else [entry for entry in path.rglob("*") if entry.is_file()]
        found |= {entry.relative_to(repository.root).as_posix() for entry in files}
    return found


def _made_before(repository: Repository, name: str) -> set[str]:
    made = {LXC_CONFIG}
    for volume in {ROOT_VOLUME, OVERLAY_VOLUME, *verity_manifests(repository, name)}:
        made |= {
            f"{volume}.docker-digest",
            f"{volume}.rootfs-digest",
            f"{volume}.hash",
            f"_dm/{volume}.json",
        }
    return {f"{name}/{path}" for path in made | {ROOT_VOLUME, OVERLAY_VOLUME}}
