"""device.json: groups, disks, the runtime's own volumes and the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import names
from ..errors import FormatError

GOALS = ("MOUNTED", "STARTED", "READY")
POLICIES = ("system", "container")
PERSISTENCES = ("permanent", "revision", "boot")
MEMBERS = frozenset(["groups", "disks", "disks_v2", "disks_v3", "volumes", "network"])
GROUP_MEMBERS = frozenset(["name", "description", "status_goal", "restart_policy", "timeout", "auto_recovery"])
MAX_GROUPS = 64


@dataclass(frozen=True)
class Group:
    """Containers that start together; the next group waits for this one's goal, at most ``timeout`` seconds."""

    name: str
    status_goal: str = "STARTED"
    restart_policy: str = "container"
    timeout: int = 30


@dataclass(frozen=True)
class DeviceSpec:
    """A checked device.json."""

    document: Mapping[str, Any]

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, what: str = "device.json") -> DeviceSpec:
        """Check what the device would misread; errors name the member."""
        for member in document:
            if member not in MEMBERS:
                raise names.unknown(member, MEMBERS, what=f"member of {what}:")
        groups = document.get("groups")
        if not isinstance(groups, list) or not 0 < len(groups) <= MAX_GROUPS:
            # Without groups the device ignores the whole file and says nothing.
            raise FormatError(f"{what} has no list of 1 to {MAX_GROUPS} groups")
        for index, group in enumerate(groups):
            _check_group(group, f"{what}: groups[{index}]")
        _check_volumes(document.get("volumes", {}), what)
        return cls(document)

    @property
    def group_names(self) -> tuple[str, ...]:
        return tuple(group["name"] for group in self.document["groups"])


def default_device() -> dict[str, Any]:
    """Groups data, root, platform and app, and the volumes that the shipped runtime configuration asks for."""
    groups = (
        Group("data", "MOUNTED", "system"),
        Group("root", "STARTED", "system"),
        Group("platform", "STARTED", "system"),
        Group("app", "STARTED", "container"),
    )
    return {
        "groups": [
            {
                "name": group.name,
                "restart_policy": group.restart_policy,
                "status_goal": group.status_goal,
                "timeout": group.timeout,
            }
            for group in groups
        ],
        "volumes": {
            "pv--devmeta": {"persistence": "permanent"},
            "pv--firmware": {"persistence": "boot"},
            "pv--phconfig": {"persistence": "permanent"},
            "pv--usrmeta": {"persistence": "permanent"},
        },
    }


def _check_group(group: Any, where: str) -> None:
    if not isinstance(group, Mapping) or not isinstance(group.get("name"), str) or not group["name"]:
        raise FormatError(f"{where} has no name")
    for member in group:
        if member not in GROUP_MEMBERS:
            raise names.unknown(member, GROUP_MEMBERS, what=f"member of {where}:")
    for member, choices in (("status_goal", GOALS), ("restart_policy", POLICIES)):
        if group.get(member, choices[0]) not in choices:
            raise names.unknown(str(group[member]), choices, what=f"{where}: {member}")
    timeout = group.get("timeout", 0)
    if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout < 0:
        raise FormatError(f"{where}: timeout is not a number of seconds")


def _check_volumes(volumes: Any, what: str) -> None:
    if not isinstance(volumes, Mapping):
        raise FormatError(f"{what}: volumes is not an object")
    for name, volume in volumes.items():
        if not isinstance(volume, Mapping) or volume.get("persistence") not in PERSISTENCES:
            raise FormatError(f"{what}: volume {name} has no persistence of {', '.join(PERSISTENCES)}")
