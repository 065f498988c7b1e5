"""run.json: how the device runs a container (state format, run manifest rows)."""

from __future__ import annotations

from typing import Any

from .spec import LXC_CONFIG, OVERLAY_VOLUME, ROOT_VOLUME, ContainerSpec, Volume

SPEC = "service-manifest-run@1"
_PLAIN = {
    "PV_GROUP": "group",
    "PV_RUNLEVEL": "runlevel",
    "PV_RESTART_POLICY": "restart_policy",
    "PV_STATUS_GOAL": "status_goal",
    "PV_AUTOMODFW": "automodfw",
    "PV_REMOUNT": "remount",
    "PV_CONDITIONS": "conditions",
    "PV_ROLES": "roles",
    "PV_AUTO_RECOVERY": "auto_recovery",
}
_DRIVERS = ("manual", "required", "optional")


def run_manifest(spec: ContainerSpec) -> dict[str, Any]:
    """The document of ``<container>/run.json``."""
    run: dict[str, Any] = {
        "#spec": SPEC,
        "name": spec.name,
        "drivers": {kind: list(spec.words(f"PV_DRIVERS_{kind.upper()}")) for kind in _DRIVERS},
        "storage": {volume.key: _storage(volume) for volume in spec.volumes},
        "root-volume": _prefixed(spec, OVERLAY_VOLUME if spec.base and spec.patched else ROOT_VOLUME),
        "volumes": [_prefixed(spec, volume) for volume in _volumes(spec)],
    }
    if spec.runs:
        run.update({"config": LXC_CONFIG, "type": "lxc"})
    for argument, member in _PLAIN.items():
        value = spec.arguments.get(argument)
        if value:
            run[member] = list(value) if isinstance(value, tuple) else value
    services = {kind: spec.arguments.get(f"PV_SERVICES_{kind.upper()}") or [] for kind in _DRIVERS}
    if any(services.values()):
        run["services"] = services
    if spec.text("PV_NETWORK_POOL"):
        run["network"] = _network(spec)
    for member, value in (("logs", spec.logs), ("exports", spec.exports)):
        if value:
            run[member] = value
    return run


def _storage(volume: Volume) -> dict[str, str]:
    return {"persistence": volume.persistence, **({"disk": volume.disk} if volume.disk else {})}


def _volumes(spec: ContainerSpec) -> list[str]:
    patch = [OVERLAY_VOLUME] if spec.patched and not spec.base else []
    mounts = [item.partition(":")[0] for item in spec.words("PV_VOLUME_MOUNTS")]
    return [*patch, *spec.words("PV_EXTRA_VOLUMES"), *mounts]


def _prefixed(spec: ContainerSpec, volume: str) -> str:
    return f"dm:{volume}" if volume in spec.verity else volume


def _network(spec: ContainerSpec) -> dict[str, str]:
    network = {"pool": spec.text("PV_NETWORK_POOL"), "hostname": spec.text("PV_NETWORK_HOSTNAME", spec.name)}
    for member in ("ip", "mac"):
        if spec.text(f"PV_NETWORK_{member.upper()}"):
            network[member] = spec.text(f"PV_NETWORK_{member.upper()}")
    return network
