# SPDX-License-Identifier: MIT
"""Containers that exist already: made again from src.json, protected by dm-verity, removed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Optional

from .. import container, manifests, names, repo
from ..container import PackOptions
from ..errors import NotFound
from ..manifests import SourceManifest
from ..manifests.spec import ROOT_VOLUME
from ..repo import Repository
from . import patch, worktree
from .request import SILENT, Notify


def install(repository: Repository, name: str, *, notify: Notify = SILENT) -> None:
    """Write run.json, lxc.container.conf and dm-verity again from src.json.
    Raises NotFound, FormatError.
    """
    source = worktree.source(repository, name)
    repository.need_written(name)
    spec = manifests.ContainerSpec.from_source(name, source)
    worktree.check_device(repository, name, manifests.run_manifest(spec))
    _remake(repository, name, source, worktree.verity_manifests(repository, name), notify)


def protected(repository: Repository) -> tuple[str, ...]:
    """The containers with dm-verity. Raises NotFound where there is none."""
    known = worktree.container_names(repository)
    found = tuple(name for name in known if any(worktree.source(repository, name).verity.values()))
    if not found:
        raise NotFound("no container has dm-verity", hint="run: pvr dm-convert NAME")
    return found


def protect(
    repository: Repository,
    name: str,
    volume: str = ROOT_VOLUME,
    *,
    salt: Optional[str] = None,
    uuid: Optional[str] = None,
    notify: Notify = SILENT,
) -> str:
    """Protect a volume by dm-verity; returns its root hash. Salt and UUID stay what they were, unless they
    are given.

    Raises NotFound, and FormatError for a volume that the container does not mount.
    """
    source = worktree.source(repository, name)
    repository.need_written(name)
    recorded = worktree.verity_manifests(repository, name)
    wanted: dict[str, Any] = dict(recorded.get(volume, {}))
    wanted.update({member: value for member, value in (("salt", salt), ("uuid", uuid)) if value})
    source = replace(source, verity={**source.verity, volume: True})
    _remake(repository, name, source, {**recorded, volume: wanted}, notify)
    return str(worktree.verity_manifests(repository, name)[volume]["root_hash"])


def remove(repository: Repository, name: str, *, notify: Notify = SILENT) -> tuple[str, ...]:
    """Remove a container, or what else is signed as a part, from the working tree; returns the paths,
    sorted.

    Raises NotFound where there is no such thing.
    """
    gone = _removed_files(repository, name)
    if "/" not in name:
        repository.need_written(name)
    repository.write_files({}, gone=gone)
    for other in patch.patches_of(repository, name):
        notify.warn(f"{other} is a patch over {name} and starts no more: pvr app update {other} --newbase")
    return tuple(sorted(gone))


def _removed_files(repository: Repository, name: str) -> set[str]:
    """The files that go with a container or with whatever else is signed as a part."""
    in_tree = "/" not in name and (repository.root / names.check_container(name) / "src.json").is_file()
    try:
        gone = set(repo.removal(repository.state, name))
    except NotFound:
        gone = set()
    gone = {path for path in gone if path != "#spec" and os.path.lexists(repository.root / path)}
    if in_tree:
        gone |= worktree.paths(repository, name)
    if not gone:
        worktree.source(repository, name)
    return gone


def _remake(
    repository: Repository,
    name: str,
    source: SourceManifest,
    recorded: Mapping[str, Mapping[str, Any]],
    notify: Notify,
) -> None:
    options = PackOptions(verity=recorded)
    with worktree.scratch(repository) as folder:
        files = worktree.volumes(repository, name, repository.pool)
        base = worktree.root(repository, source.base) if source.base else None
        made = container.rebuild_manifests(
            name, source, files, repository.pool, folder, options=options, base=base
        )
        worktree.write(repository, name, made, notify)
