# SPDX-License-Identifier: MIT
"""run.json: how the device runs a container (state format, run manifest rows)."""

from __future__ import annotations

from typing import Any

from .spec import LXC_CONFIG, OVERLAY_VOLUME, ROOT_VOLUME, ContainerSpec
from .verity import protected
from .volumes import Volume

SPEC = "service-manifest-run@1"


def run_manifest(spec: ContainerSpec) -> dict[str, Any]:
    """The document of ``<container>/run.json``."""
    run: dict[str, Any] = {
        "#spec": SPEC,
        "name": spec.name,
        "drivers": spec.drivers.document(),
        "storage": {volume.key: _storage(volume) for volume in spec.volumes},
        "root-volume": _prefixed(spec, OVERLAY_VOLUME if spec.base and spec.patched else ROOT_VOLUME),
        "volumes": [_prefixed(spec, volume) for volume in _volumes(spec)],
    }
    if spec.runs:
        run.update({"config": LXC_CONFIG, "type": "lxc"})
    if spec.modules is not None:
        # Devices know only one word here: "no".
        run["automodfw"] = "yes" if spec.modules else "no"
    services = spec.services.document()
    optional = {
        "group": spec.group,
        "runlevel": spec.runlevel,
        "restart_policy": spec.restart_policy,
        "status_goal": spec.status_goal,
        "roles": list(spec.roles),
        "auto_recovery": spec.auto_recovery.document() if spec.auto_recovery else None,
        # Devices of ours run its test in the container; others pass over the member.
        "health": spec.health.document() if spec.runs and spec.health else None,
        "services": services if any(services.values()) else None,
        "network": spec.network.document(spec.name) if spec.network else None,
        "remount": spec.remount,
        "conditions": spec.conditions,
        # Devices of ours filter system calls then; others pass over the member.
        "profile": spec.lxc.profile if spec.runs and spec.lxc.is_confined else None,
        "logs": spec.logs,
        "exports": spec.exports,
    }
    return {**run, **{member: value for member, value in optional.items() if value}}


def _storage(volume: Volume) -> dict[str, str]:
    return {"persistence": volume.persistence, **({"disk": volume.disk} if volume.disk else {})}


def _volumes(spec: ContainerSpec) -> list[str]:
    patch = [OVERLAY_VOLUME] if spec.patched and not spec.base else []
    return [*patch, *spec.extra_images, *(mount.source for mount in spec.images)]


def _prefixed(spec: ContainerSpec, volume: str) -> str:
    return protected(volume) if volume in spec.verity else volume
