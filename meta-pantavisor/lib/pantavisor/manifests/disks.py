# SPDX-License-Identifier: MIT
"""Disks and network pools of device.json."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import FormatError
from .members import Record, check_word
from .network import LINK

DISK_LISTS = ("disks", "disks_v2", "disks_v3")
DISK_TYPES = ("dm-crypt-caam", "dm-crypt-dcp", "dm-crypt-versatile", "swap-disk", "volume-disk", "dual")
LIST_MEMBERS = frozenset(["aliases", "disks", "init_order"])
POOL_TYPES = ("bridge", "macvlan")
MAX_DISKS = 64


@dataclass(frozen=True)
class Disk(Record):
    """A storage medium; volumes name it, or one of its ``aliases``.
    ``default`` and ``migrate_keyblob`` are ``yes``.
    """

    name: str
    type: str
    aliases: tuple[str, ...] = ()
    path: Optional[str] = None
    mode: Optional[str] = None
    format: Optional[str] = None
    format_options: Optional[str] = None
    provision: Optional[str] = None
    provision_options: Optional[str] = None
    mount_target: Optional[str] = None
    mount_options: Optional[str] = None
    uuid: Optional[str] = None
    default: Optional[str] = None
    migrate_keyblob: Optional[str] = None
    disks: tuple[str, ...] = ()
    init_order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pool(Record):
    """Addresses that containers join: of a bridge of the device, or by macvlan over its ``parent``."""

    type: str
    subnet: str
    gateway: Optional[str] = None
    bridge: Optional[str] = None
    parent: Optional[str] = None
    nat: Optional[bool] = None


DISK_MEMBERS = frozenset(Disk.__dataclass_fields__)
POOL_MEMBERS = frozenset(Pool.__dataclass_fields__)


def check_disks(document: Mapping[str, Any], what: str) -> frozenset[str]:
    """Names and aliases of all disks; FormatError for one that devices refuse or misread."""
    found: list[str] = []
    for member in DISK_LISTS:
        disks = document.get(member, [])
        if not isinstance(disks, list) or len(disks) > MAX_DISKS:
            raise FormatError(f"{what}: {member} is not a list of at most {MAX_DISKS} disks")
        for index, disk in enumerate(disks):
            found += _check_disk(disk, f"{what}: {member}[{index}]")
    for name, count in Counter(found).items():
        if count > 1:
            raise FormatError(f'{what}: two disks are called "{name}"')
    return frozenset(found)


def check_pools(network: Any, what: str) -> None:
    """The address pools that containers may join. Raises FormatError."""
    if not isinstance(network, Mapping) or not isinstance(network.get("pools", {}), Mapping):
        raise FormatError(f"{what}: network is not an object with pools")
    for member in network:
        if member != "pools":
            raise names.unknown(member, ["pools"], what=f"member of {what}: network:")
    for name, pool in network.get("pools", {}).items():
        _check_pool(
            pool, f"{what}: network.pools.{names.check_plain(name, what=f'{what}: network.pools:')}"
        )


def _check_disk(disk: Any, where: str) -> list[str]:
    if not isinstance(disk, Mapping) or not isinstance(disk.get("name"), str) or not disk["name"]:
        raise FormatError(f"{where} has no name")
    for member, value in disk.items():
        if member not in DISK_MEMBERS:
            raise names.unknown(member, DISK_MEMBERS, what=f"member of {where}:")
        items = value if member in LIST_MEMBERS else [value]
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise FormatError(
                f"{where}: {member} is not {'a list of strings' if member in LIST_MEMBERS else 'a string'}"
            )
    if disk.get("type") not in DISK_TYPES:
        raise names.unknown(str(disk.get("type")), DISK_TYPES, what=f"{where}: type")
    for member in ("default", "migrate_keyblob"):
        check_word(disk.get(member, "yes"), ("yes", "no"), f"{where}: {member}")
    return [names.check_plain(name, what=f"{where}:") for name in (disk["name"], *disk.get("aliases", []))]


def _check_pool(pool: Any, where: str) -> None:
    if not isinstance(pool, Mapping):
        raise FormatError(f"{where} is not an object")
    for member in pool:
        if member not in POOL_MEMBERS:
            raise names.unknown(member, POOL_MEMBERS, what=f"member of {where}:")
    if pool.get("type") not in POOL_TYPES:
        raise names.unknown(str(pool.get("type")), POOL_TYPES, what=f"{where}: type")
    try:
        subnet = ipaddress.ip_network(str(pool.get("subnet")))
        gateway = ipaddress.ip_address(str(pool["gateway"])) if "gateway" in pool else None
    except ValueError as error:
        raise FormatError(f"{where}: {error}") from error
    if gateway is not None and gateway not in subnet:
        raise FormatError(f"{where}: gateway {gateway} is not in {subnet}")
    for member in ("bridge", "parent"):
        link = pool.get(member, member)
        if not isinstance(link, str) or not LINK.fullmatch(link):
            raise FormatError(f"{where}: {member} cannot be the name of a network link")
    if not isinstance(pool.get("nat", False), bool):
        raise FormatError(f"{where}: nat is neither true nor false")
