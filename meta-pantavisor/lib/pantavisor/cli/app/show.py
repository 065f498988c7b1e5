# SPDX-License-Identifier: MIT
"""``pvr app ls`` and ``info``."""

from __future__ import annotations

import argparse
from typing import Any

from ... import app, manifests
from ...squashfs import PackRecord
from .. import here
from ..console import Console


def list_containers(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    found = {name: app.source(repository, name) for name in app.container_names(repository)}
    if options.json:
        console.json([{"name": name, **_facts(source)} for name, source in found.items()])
        return
    for name in found:
        console.result(name)


def info(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    source = app.source(repository, options.name)
    if options.json:
        console.json(source.document(options.name))
        return
    facts = {"name": options.name, **_facts(source)}
    console.table(("what", "value"), [(what, _text(value)) for what, value in facts.items()])


def _facts(source: manifests.SourceManifest) -> dict[str, Any]:
    kind = app.kind(source)
    origin = source.pvr_url or source.rootfs_url or source.docker_name
    if kind == "docker" and source.docker_tag:
        origin = f"{origin}:{source.docker_tag}"
    facts = {
        "type": kind,
        "from": origin,
        "digest": source.pvr_digest or source.rootfs_digest or source.docker_digest,
        "patch": source.overlay_digest,
        "base": source.base,
        "platform": source.docker_platform,
        "packed": _packed(source),
        "group": source.arguments.get("PV_GROUP"),
        "profile": source.arguments.get("PV_SECURITY_PROFILE"),
        "verity": sorted(volume for volume, enabled in source.verity.items() if enabled),
    }
    return {what: value for what, value in facts.items() if value}


def _packed(source: manifests.SourceManifest) -> list[str]:
    found = {volume: PackRecord.parse(note) for volume, note in sorted(source.packings.items())}
    return [f"{volume}: {packing}" for volume, packing in found.items() if packing]


def _text(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
