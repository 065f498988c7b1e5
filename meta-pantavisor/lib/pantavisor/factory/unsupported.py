# SPDX-License-Identifier: MIT
"""What published devices have and the runtime of this project does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import manifests
from ..manifests.device import DeviceSpec
from ..manifests.disks import DISK_LISTS
from ..state import State

# What a container may require, and what to do where it is passed over.
_PASSED_OVER = (
    ("services", "share a volume or a port in their place"),
    ("drivers", "load their modules by PANTAVISOR_INITRAMFS_MODULES"),
)
_REFUSED = "the runtime of this project runs no such state"


def warnings(state: State, device: DeviceSpec) -> Iterator[str]:
    """A default disk of the device, and each container that needs a disk, a network of its own, a service
    or a driver. The last two are passed over: the container starts without.
    """
    for disk in (disk for member in DISK_LISTS for disk in device.document.get(member, ())):
        if disk.get("default") == "yes":
            name = disk["name"]
            yield f"{name} is the default disk, and {_REFUSED}: remove it by pvr device disk rm {name}"
    for name in state.container_names():
        where = f"{name}/run.json"
        run = state[where]
        if not isinstance(run, Mapping):
            continue
        for kind, wanted, _ in manifests.references(run, where):
            if kind != "group":
                yield f"{name} needs the {kind} {wanted}, and {_REFUSED}: update {name} without it"
        if _has_own_network(run):
            yield f"{name} needs a network of its own, and {_REFUSED}: update {name} without it"
        for kind, instead in _PASSED_OVER:
            if _requires(run, kind):
                yield f"{name} requires {kind}, and the runtime of this project has none: {instead}"


def _has_own_network(run: Mapping[str, Any]) -> bool:
    """Without naming a pool."""
    network = run.get("network", {})
    if network.get("pool") is not None:
        return False
    mode = network.get("mode", "host")
    return "pool" in network or (isinstance(mode, str) and mode != "host")


def _requires(run: Mapping[str, Any], kind: str) -> bool:
    wanted = run.get(kind)
    return isinstance(wanted, Mapping) and bool(wanted.get("required"))
