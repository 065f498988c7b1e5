# SPDX-License-Identifier: MIT
"""What published devices have and the runtime of this project does not: it refuses the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .. import manifests
from ..manifests.device import DeviceSpec
from ..manifests.disks import DISK_LISTS
from ..state import State

_REFUSED = "the runtime of this project runs no such state"


def warnings(state: State, device: DeviceSpec) -> Iterator[str]:
    """A default disk of the device, and each container that needs a disk or a network pool."""
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
