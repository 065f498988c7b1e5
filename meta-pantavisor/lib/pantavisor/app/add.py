# SPDX-License-Identifier: MIT
"""``pvr app add`` and ``update``: a source becomes files of the working tree."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Optional

from ... import container, manifests, names
from ...container import Container, parts, sources
from ...errors import FormatError, PantavisorError
from ...manifests import ContainerSpec, SourceManifest
from ...manifests.profile import CONFINED
from ...manifests.spec import OVERLAY_VOLUME, ROOT_VOLUME
from ...oci import Platform
from ...ref import ImageSource
from .. import here
from ..console import Console
from . import arguments, images, login, patching, working
from .request import Request, Unchanged

DEFAULTS = {
    "PV_GROUP": "app",
    "PV_STATUS_GOAL": "STARTED",
    "PV_RESTART_POLICY": "container",
    "PV_ROLES": ["nobody"],
    "PV_SECURITY_PROFILE": CONFINED,
}


def add(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    name = names.check_container(options.name)
    is_there = (repository.root / name / "src.json").exists()
    if is_there and not options.force:
        raise PantavisorError(f"container {name} exists already", hint=f"pvr app update {name}, or say --force")
    if not is_there and (repository.root / name).exists():
        raise PantavisorError(f"{name} exists already and is no container", hint=f"move {repository.root / name} away")
    changes = _changes(options)
    wanted = SourceManifest(
        arguments={**DEFAULTS, **changes.arguments},
        config=changes.config,
        persistence=changes.persistence,
        verity=changes.verity,
        logs=changes.logs,
        exports=changes.exports,
    )
    _run(Request(repository, options, console, wanted, images.engine(options, console), repository.root, changes,
                 is_new=not is_there))  # fmt: skip


def update(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    old = working.source(repository, options.name)
    if options.type not in (None, working.kind(old)):
        raise PantavisorError(
            f"{options.name} is of type {working.kind(old)}, which no update changes",
            hint=f"run: pvr app add {options.name} --force --type {options.type} --from SOURCE",
        )
    options.type = working.kind(old)
    options.source = options.source or _recorded(old, options.name)
    recorded = working.verity_manifests(repository, options.name)
    changes = _changes(options)
    wanted = replace(
        old,
        base=None if options.newbase else old.base,
        arguments={**old.arguments, **changes.arguments},
        config={**old.config, **(changes.config if options.type != "rootfs" else {})},
        persistence={**old.persistence, **changes.persistence},
        verity={**old.verity, **changes.verity},
        logs=old.logs if changes.logs is None else changes.logs,
        exports=old.exports if changes.exports is None else changes.exports,
    )
    wanted = _without_unmounted(options.name, wanted, changes.verity)
    engine = images.engine(options, console, verity=recorded)
    # The same image over another base is another container.
    options.force |= options.newbase or options.base is not None
    _run(Request(repository, options, console, wanted, engine, repository.root, changes, old))


def _recorded(old: SourceManifest, name: str) -> str:
    if not old.docker_name or old.docker_source == "local" or working.kind(old) != "docker":
        raise PantavisorError(f"{name} does not record where its source lies", hint=f"pvr app update {name} --from ...")
    return f"docker://{old.docker_name}:{old.docker_tag or 'latest'}"


def _run(request: Request) -> None:
    repository, name = request.repository, request.name
    make = {"docker": _from_image, "rootfs": _from_rootfs, "pvr": _from_part}[request.options.type]
    patching.check(request)
    request.options.credentials = login.read(request.options)
    if request.options.type != "pvr":
        _check(request)
    try:
        with working.scratch(repository) as folder:
            made, origin = make(replace(request, folder=folder))
            working.write(repository, name, made, request.console, new=request.is_new)
    except Unchanged as unchanged:
        request.console.line(f"{name} is made from {unchanged} already; --force makes it again")
        return
    patching.warn_of_dependants(request)
    request.console.line(f"{name} is made from {origin}; run pvr add and pvr commit to keep it")


def _check(request: Request) -> None:
    """Raise for what the manifests would refuse, before anything is fetched."""
    spec = ContainerSpec.from_source(request.name, request.wanted)
    working.check_device(request.repository, request.name, manifests.run_manifest(spec))


def _from_image(request: Request) -> tuple[Container, str]:
    options, old = request.options, request.old
    source = _image_source(options.source, options.place)
    if options.credentials and source.ref is None:
        raise PantavisorError(f"{options.source} is in no registry", hint="leave out --username")
    platform = images.platform(options.platform or (old.docker_platform if old else None))
    before = (old.overlay_digest or old.docker_digest) if old else None
    if old is not None:
        request.expect_change(images.remote_digest(source, platform, options), before)
    with images.opened(source, platform, request.folder, options, request.console) as image:
        described = sources.image_manifest(source, image, request.wanted, container=request.name)
        digest = described.docker_digest
        request.expect_change(digest, before)
        tree = sources.image_tree(request.name, image, request.engine.progress)
        made = patching.make(request, tree, described, image.config.platform)
    return made, str(digest)


def _image_source(text: str, place: Optional[str]) -> ImageSource:
    try:
        return images.source(text, place)
    except FormatError as error:
        if not text:
            raise FormatError("--from names no source", hint="an image such as docker.io/nginx:stable") from error
        if text.startswith((".", "/")) or Path(text).exists():
            hint = "say --type rootfs, or oci:, or docker-archive:"
            raise FormatError(f"{text} is a path and no image", hint=hint) from error
        raise


def _from_rootfs(request: Request) -> tuple[Container, str]:
    options, old = request.options, request.old
    path = Path(options.source)
    # What an image says of itself is said on the command line here, and so stands where an image's would.
    config = {**(old.image_config if old else {}), **request.changes.config}
    described = sources.rootfs_manifest(path, config, request.wanted if old else replace(request.wanted, config={}))
    runs = ContainerSpec.from_source(request.name, described).runs
    platform = Platform.parse(options.platform) if options.platform else None
    made = patching.make(request, sources.rootfs_tree(path, structural=runs), described, platform)
    digest = f"sha256:{made.files[f'{request.name}/{ROOT_VOLUME}']}"
    request.expect_change(digest, old.rootfs_digest if old else None)
    return made, f"{described.rootfs_url}, packed as {digest}"


def _from_part(request: Request) -> tuple[Container, str]:
    options, old, pool = request.options, request.old, request.repository.pool
    path, part = parts.split(options.source, old.pvr_url.rpartition("#")[2] if old and old.pvr_url else None)
    taken = parts.take(path, part, pool)
    request.expect_change(taken.digest, old.pvr_digest if old else None)
    changes = request.changes
    if old is not None:
        # Where its data lies is the device's matter; all else follows the part.
        changes = replace(changes, persistence={**old.persistence, **changes.persistence})
    engine = replace(request.engine, verity={**parts.recorded_verity(taken), **(request.engine.verity or {})})
    find_root = partial(working.root, request.repository)
    made = parts.make(request.name, taken, changes, pool, request.folder, engine=engine, find_root=find_root)
    working.check_device(request.repository, request.name, made.files[f"{request.name}/run.json"])
    return made, f"{taken.origin} ({taken.digest})"


def _changes(options: argparse.Namespace) -> parts.Changes:
    """What the command line asks for, nothing else."""
    return parts.Changes(
        arguments=arguments.given(options),
        config=_config(options),
        persistence=sources.persistence(tuple(options.volume)),
        verity={**_root_verity(options.verity), **{volume: True for volume in options.verity_volume}},
        logs=arguments.json_list(options.logs, "--logs"),
        exports=arguments.json_list(options.exports, "--exports"),
    )


def _root_verity(wanted: Optional[bool]) -> dict[str, bool]:
    # Of a patched root both volumes are protected, or neither.
    return {} if wanted is None else {ROOT_VOLUME: True} if wanted else {ROOT_VOLUME: False, OVERLAY_VOLUME: False}


def _without_unmounted(name: str, wanted: SourceManifest, said: Mapping[str, bool]) -> SourceManifest:
    """What is no longer mounted needs no dm-verity, unless just that is said."""
    kept = container.mounted(ContainerSpec.from_source(name, wanted)) | {ROOT_VOLUME, OVERLAY_VOLUME, *said}
    return replace(wanted, verity={volume: enabled for volume, enabled in wanted.verity.items() if volume in kept})


def _config(options: argparse.Namespace) -> dict[str, Any]:
    config = {}
    if options.config_json is not None:
        config = arguments.json_object(options.config_json, "--config-json")
    for word in options.config:
        name, value = arguments.split_pair(word, "--config")
        config[name] = arguments.json_or_file(value, f"--config {name}") if value.startswith(("[", "{")) else value
    manifests.check_members(config, "--config-json or --config")
    return config
