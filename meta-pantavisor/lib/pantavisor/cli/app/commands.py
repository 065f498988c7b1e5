# SPDX-License-Identifier: MIT
"""``pvr app add``, ``update``, ``install``, ``dm-convert`` and ``rm``: words become a request, outcomes
become lines.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Optional

from ... import app, manifests
from ...app import AppRequest, Made, Notify, PartSource, RootfsSource, Source, SourceChanges
from ...container import PackOptions
from ...manifests.spec import OVERLAY_VOLUME, ROOT_VOLUME
from ...oci import Platform
from .. import cache, epoch, here
from ..console import Console
from . import arguments, images, login

LIBRARY_VARIABLE = "PVR_LIBSQUASHFS"


def add(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    _report(app.add(repository, _request(options, console, _source(options, options.type))), console)


def update(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    kind = app.kind(app.source(repository, options.name))
    app.check_kind(options.name, kind, options.type or kind)
    source = _source(options, kind) if options.source else None
    request = _request(options, console, source, patch=options.patch, whole=options.newbase)
    _report(app.update(repository, request), console)


def install(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    for name in [options.name] if options.name else app.protected(repository):
        app.install(repository, name, notify=_notify(console))
        console.line(f"{name} is written again; run pvr commit to keep it")


def convert(options: argparse.Namespace, console: Console) -> None:
    name, _, within = options.name.partition("/")
    volume = options.volume or within or ROOT_VOLUME
    root_hash = app.protect(
        here.repository(), name, volume, salt=options.salt, uuid=options.uuid, notify=_notify(console)
    )
    console.line(f"{name}/{volume} has the root hash {root_hash}; run pvr add and pvr commit to keep it")


def remove(options: argparse.Namespace, console: Console) -> None:
    name = options.name.rstrip("/")
    warnings: list[str] = []
    for path in app.remove(here.repository(), name, notify=Notify(warn=warnings.append)):
        console.detail(f"removed {path}")
    console.line(
        f"{name} is removed from the working tree; run pvr commit to keep that, or pvr checkout to undo it"
    )
    for warning in warnings:
        console.warn(warning)


def _request(
    options: argparse.Namespace, console: Console, source: Optional[Source], **more: Any
) -> AppRequest:
    return AppRequest(
        options.name,
        source,
        changes=_changes(options),
        platform=Platform.parse(options.platform) if options.platform else None,
        base=options.base,
        force=options.force,
        pack=_pack(options, console),
        config_overlay=options.config_overlay,
        registry=images.registry_options(options),
        credentials=login.read(options),
        notify=_notify(console),
        **more,
    )


def _report(made: Made, console: Console) -> None:
    if made.changed:
        console.line(f"{made.name} is made from {made.origin}; run pvr add and pvr commit to keep it")
    else:
        console.line(f"{made.name} is made from {made.origin} already; --force makes it again")


def _notify(console: Console) -> Notify:
    return Notify(console.progress, console.warn)


def _source(options: argparse.Namespace, kind: str) -> Source:
    if kind == "rootfs":
        return RootfsSource(Path(options.source))
    if kind == "pvr":
        return PartSource.parse(options.source)
    return images.source(options.source, options.place)


def _pack(options: argparse.Namespace, console: Console) -> PackOptions:
    text = options.format_options
    return PackOptions(
        profile=options.profile if text is None else images.profile(text),
        libsquashfs=os.environ.get(LIBRARY_VARIABLE),
        mtime=epoch.seconds(),
        cache=cache.from_environment(console),
    )


def _changes(options: argparse.Namespace) -> SourceChanges:
    """What the command line asks for, nothing else."""
    return SourceChanges(
        arguments=arguments.given(options),
        config=_config(options),
        persistence=manifests.persistence(options.volume),
        verity={**_root_verity(options.verity), **{volume: True for volume in options.verity_volume}},
        logs=arguments.json_list(options.logs, "--logs"),
        exports=arguments.json_list(options.exports, "--exports"),
    )


def _root_verity(protect: Optional[bool]) -> dict[str, bool]:
    # Of a patched root both volumes are protected, or neither.
    if protect is None:
        return {}
    return {ROOT_VOLUME: True} if protect else {ROOT_VOLUME: False, OVERLAY_VOLUME: False}


def _config(options: argparse.Namespace) -> dict[str, Any]:
    config = {}
    if options.config_json is not None:
        config = arguments.json_object(options.config_json, "--config-json")
    for word in options.config:
        name, value = arguments.split_pair(word, "--config")
        config[name] = (
            arguments.json_or_file(value, f"--config {name}") if value.startswith(("[", "{")) else value
        )
    manifests.check_members(config, "--config-json or --config")
    return config
