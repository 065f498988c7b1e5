# SPDX-License-Identifier: MIT
"""device.json: groups, the runtime's own volumes, disks and network pools.

Without ``groups`` devices overlook the whole file and log nothing, so they are always written. Errors name
the place, such as ``device.json: groups[2]: timeout``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import FormatError
from .disks import check_disks, check_pools
from .members import GOALS, PERSISTENCES, RESTART_POLICIES, Record, check_word
from .recovery import AutoRecovery, check_auto_recovery, check_number

MEMBERS = frozenset(["groups", "disks", "disks_v2", "disks_v3", "volumes", "network"])
# Files of their own in states from before device.json; devices pass over them next to it.
OLD_MEMBERS = ("groups", "disks", "disks_v2", "disks_v3")
MAX_GROUPS = 32
MAX_TIMEOUT_SECONDS = 24 * 60 * 60


@dataclass(frozen=True)
class Group(Record):
    """Containers that start together; the next group waits for this one's goal, at most ``timeout``
    seconds.
    """

    name: str
    status_goal: str = "STARTED"
    restart_policy: str = "container"
    timeout: int = 30
    description: Optional[str] = None
    auto_recovery: Optional[AutoRecovery] = None


@dataclass(frozen=True)
class DeviceVolume(Record):
    """A volume of the runtime's own, such as ``pv--devmeta``."""

    persistence: str
    disk: Optional[str] = None


GROUP_MEMBERS = frozenset(Group.__dataclass_fields__)
VOLUME_MEMBERS = frozenset(DeviceVolume.__dataclass_fields__)
APP_RECOVERY = AutoRecovery(
    "on-failure", max_retries=5, retry_delay=5, backoff_factor=2, stable_timeout=30, backoff_policy="reboot"
)
DEFAULT_GROUPS = (
    Group("data", "MOUNTED", "system"),
    Group("root", "STARTED", "system"),
    Group("platform", "STARTED", "system"),
    Group("app", "STARTED", "container", auto_recovery=APP_RECOVERY),
)
# The shipped runtime configuration does not start without the first of them.
DEFAULT_VOLUMES = {
    "pv--firmware": "boot",
    "pv--devmeta": "permanent",
    "pv--phconfig": "permanent",
    "pv--usrmeta": "permanent",
}


@dataclass(frozen=True)
class DeviceSpec:
    """A checked device.json."""

    document: Mapping[str, Any]

    @classmethod
    def build(
        cls, groups: Sequence[Group] = DEFAULT_GROUPS, volumes: Mapping[str, str] = DEFAULT_VOLUMES
    ) -> DeviceSpec:
        """From groups in the order in which they start, and volumes with their persistence."""
        document = {
            "groups": [group.document() for group in groups],
            "volumes": {
                name: DeviceVolume(persistence).document() for name, persistence in volumes.items()
            },
        }
        return cls.parse(document)

    @classmethod
    def parse(cls, document: Mapping[str, Any], *, what: str = "device.json") -> DeviceSpec:
        """Check what the device would misread; errors name the member. Raises FormatError."""
        for member in document:
            if member not in MEMBERS:
                raise names.unknown(member, MEMBERS, what=f"member of {what}:")
        groups = document.get("groups")
        if not isinstance(groups, list) or not 0 < len(groups) <= MAX_GROUPS:
            raise FormatError(f"{what} has no list of 1 to {MAX_GROUPS} groups")
        for index, group in enumerate(groups):
            _check_group(group, f"{what}: groups[{index}]")
        _check_unique([group["name"] for group in groups], f"{what}: groups")
        disks = check_disks(document, what)
        _check_volumes(document.get("volumes", {}), disks, what)
        check_pools(document.get("network", {}), what)
        return cls(document)

    @property
    def group_names(self) -> tuple[str, ...]:
        return tuple(group["name"] for group in self.document["groups"])

    @property
    def disk_names(self) -> frozenset[str]:
        """Names and aliases of all disks."""
        return check_disks(self.document, "device.json")

    @property
    def pool_names(self) -> frozenset[str]:
        return frozenset(self.document.get("network", {}).get("pools", {}))


def read_device(document: Callable[[str], Any]) -> Optional[DeviceSpec]:
    """The device.json that ``document`` gives by its name, or what old states have in its place; None
    without either.

    Raises FormatError.
    """
    device = document("device.json")
    if device is not None:
        if not isinstance(device, Mapping):
            raise FormatError("device.json is not a JSON object")
        return DeviceSpec.parse(device)
    old = {member: document(f"{member}.json") for member in OLD_MEMBERS}
    if old["groups"] is None:
        return None
    return DeviceSpec.parse(
        {member: value for member, value in old.items() if value is not None}, what="groups.json"
    )


def default_device() -> dict[str, Any]:
    """Groups data, root, platform and app, and the volumes
    that the shipped runtime configuration asks for.
    """
    return dict(DeviceSpec.build().document)


def _check_group(group: Any, where: str) -> None:
    if not isinstance(group, Mapping) or not isinstance(group.get("name"), str):
        raise FormatError(f"{where} has no name")
    names.check_container(group["name"])
    for member in group:
        if member not in GROUP_MEMBERS:
            raise names.unknown(member, GROUP_MEMBERS, what=f"member of {where}:")
    for member, choices in (("status_goal", GOALS), ("restart_policy", RESTART_POLICIES)):
        check_word(group.get(member, choices[0]), choices, f"{where}: {member}")
    if not isinstance(group.get("description", ""), str):
        raise FormatError(f"{where}: description is not a string")
    check_number(group.get("timeout", 0), MAX_TIMEOUT_SECONDS, f"{where}: timeout", whole=True)
    if "auto_recovery" in group:
        check_auto_recovery(group["auto_recovery"], f"{where}: auto_recovery")


def _check_unique(found: Sequence[str], where: str) -> None:
    for name in found:
        if found.count(name) > 1:
            raise FormatError(f'{where}: two are called "{name}"')


def _check_volumes(volumes: Any, disks: frozenset[str], what: str) -> None:
    if not isinstance(volumes, Mapping):
        raise FormatError(f"{what}: volumes is not an object")
    for name, volume in volumes.items():
        where = f"{what}: volumes.{names.check_plain(name, what=f'{what}: volumes:')}"
        if not isinstance(volume, Mapping):
            raise FormatError(f"{where} is not an object")
        for member in volume:
            if member not in VOLUME_MEMBERS:
                raise names.unknown(member, VOLUME_MEMBERS, what=f"member of {where}:")
        check_word(volume.get("persistence"), PERSISTENCES, f"{where}: persistence")
        disk = volume.get("disk")
        if "disk" in volume and not (isinstance(disk, str) and disk in disks):
            raise names.unknown(str(disk), disks, what=f"{where}: disk")
