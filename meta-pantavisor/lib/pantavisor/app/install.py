# SPDX-License-Identifier: MIT
"""``pvr app install``, ``dm-convert`` and ``rm``: containers that are there already."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from typing import Any

from ... import container, manifests, names, repo
from ...container import Engine
from ...errors import NotFound
from ...manifests import SourceManifest
from ...manifests.spec import ROOT_VOLUME
from ...repo import Repository
from .. import here
from ..console import Console
from . import patching, working


def install(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    for name in [options.name] if options.name else _with_verity(repository):
        source = working.source(repository, name)
        spec = manifests.ContainerSpec.from_source(name, source)
        working.check_device(repository, name, manifests.run_manifest(spec))
        _finish(repository, name, source, working.verity_manifests(repository, name), console)
        console.line(f"{name} is written again; run pvr commit to keep it")


def _with_verity(repository: Repository) -> list[str]:
    found = [name for name in working.container_names(repository) if any(working.source(repository, name).verity.values())]
    if not found:
        raise NotFound("no container has dm-verity", hint="pvr dm-convert NAME protects one")
    return found


def convert(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    name, _, within = options.name.partition("/")
    volume = options.volume or within or ROOT_VOLUME
    source = working.source(repository, name)
    recorded = working.verity_manifests(repository, name)
    wanted: dict[str, Any] = dict(recorded.get(volume, {}))
    wanted.update({member: value for member, value in (("salt", options.salt), ("uuid", options.uuid)) if value})
    source = replace(source, verity={**source.verity, volume: True})
    _finish(repository, name, source, {**recorded, volume: wanted}, console)
    made = working.verity_manifests(repository, name)[volume]
    console.line(f"{name}/{volume} has the root hash {made['root_hash']}; run pvr add and pvr commit to keep it")


def remove(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    name = options.name.rstrip("/")
    gone = _going(repository, name)
    repository.write_files({}, gone=gone)
    for path in sorted(gone):
        console.detail(f"removed {path}")
    console.line(f"{name} is removed from the working tree; run pvr commit to keep that, or pvr checkout to undo it")
    for other in patching.over(repository, name):
        console.warn(f"{other} is a patch over {name} and starts no more: pvr app update {other} --newbase")


def _going(repository: Repository, name: str) -> set[str]:
    """The files that go with a container or with whatever else is signed as a part."""
    in_tree = "/" not in name and (repository.root / names.check_container(name) / "src.json").is_file()
    try:
        gone = set(repo.removal(repository.state, name))
    except NotFound:
        gone = set()
    gone = {path for path in gone if path != "#spec" and os.path.lexists(repository.root / path)}
    if in_tree:
        gone |= working.paths(repository, name)
    if not gone:
        working.source(repository, name)
    return gone


def _finish(
    repository: Repository, name: str, source: SourceManifest, recorded: dict[str, dict[str, Any]], console: Console
) -> None:
    with working.scratch(repository) as folder:
        files = working.volumes(repository, name, repository.pool)
        base = working.root(repository, source.base) if source.base else None
        made = container.again(name, source, files, repository.pool, folder, engine=Engine(verity=recorded), base=base)
        working.write(repository, name, made, console)
