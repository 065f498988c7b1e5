"""``pvr app install``, ``dm-convert`` and ``rm``: containers that are there already."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from ... import container, manifests, names
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
    source = working.source(repository, options.name)
    spec = manifests.ContainerSpec.from_source(options.name, source)
    working.check_device(repository, options.name, manifests.run_manifest(spec))
    recorded = working.verity_manifests(repository, options.name)
    _finish(repository, options.name, source, recorded, console)
    console.line(f"{options.name} is written again; run pvr commit to keep it")


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
    name = names.check_container(options.name)
    committed = name in repository.state.part_names()
    if not committed and not (repository.root / name / "src.json").exists():
        working.source(repository, name)
        raise NotFound(f"there is no container {name}")
    gone = set(repository.remove(name)) if committed else set()
    gone |= set(working.remove(repository, name))
    for path in sorted(gone):
        console.detail(f"removed {path}")
    console.line(f"{name} is removed")
    for other in patching.over(repository, name):
        console.warn(f"{other} is a patch over {name} and starts no more: pvr app update {other} --newbase")


def _finish(
    repository: Repository, name: str, source: SourceManifest, recorded: dict[str, dict[str, Any]], console: Console
) -> None:
    with working.scratch(repository) as folder:
        files = working.volumes(repository, name, repository.pool)
        base = working.root(repository, source.base) if source.base else None
        made = container.again(name, source, files, repository.pool, folder, engine=Engine(verity=recorded), base=base)
        working.write(repository, name, made, console)
