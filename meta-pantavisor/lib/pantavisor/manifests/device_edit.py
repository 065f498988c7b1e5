# SPDX-License-Identifier: MIT
"""Changes of device.json: each makes a new document and checks the whole of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Optional

from .. import names
from ..errors import FormatError, NotFound
from .device import DeviceSpec, DeviceVolume, Group
from .disks import DISK_LISTS, Disk, Pool
from .members import Record, plain

RECORDS: dict[str, type[Record]] = {"group": Group, "disk": Disk, "volume": DeviceVolume, "pool": Pool}
KINDS = tuple(RECORDS)
_NAMED = ("group", "disk")


def entries(device: DeviceSpec, kind: str) -> dict[str, Mapping[str, Any]]:
    """All groups, disks, volumes or pools by name, in their order."""
    return _entries(device.document, kind)


def add(
    device: DeviceSpec, kind: str, name: str, members: Mapping[str, Any], *, before: Optional[str] = None
) -> DeviceSpec:
    """With one more, which must be new. A group comes last, or ``before`` another: groups start in their
    order.

    Raises FormatError, and NotFound for an unknown group in ``before``.
    """
    names.check_container(name)
    if name in entries(device, kind):
        raise FormatError(f"there is a {kind} {name} already", hint=f"run: pvr device {kind} set {name}")
    document = copy.deepcopy(dict(device.document))
    made = _made(kind, name, members)
    if kind == "group":
        known = list(entries(device, kind))
        place = known.index(_check(device.document, kind, before)) if before else len(known)
        document["groups"].insert(place, made)
    elif kind == "disk":
        document.setdefault("disks", []).append(made)
    else:
        _objects(document, kind)[name] = made
    return DeviceSpec.parse(document)


def change(device: DeviceSpec, kind: str, name: str, members: Mapping[str, Any]) -> DeviceSpec:
    """With other ``members`` of the one called ``name``; those not given stay, empty ones go.
    Raises NotFound.
    """
    document = copy.deepcopy(dict(device.document))
    found = _entry(document, kind, name)
    found.update({member: plain(value) for member, value in _spelled(kind, members).items()})
    for member in [member for member in found if found[member] == ""]:
        del found[member]
    return DeviceSpec.parse(document)


def remove(device: DeviceSpec, kind: str, name: str) -> DeviceSpec:
    """Without the one called ``name``; the rest of device.json must not need it. Raises NotFound."""
    found = _entry(device.document, kind, name)
    document = copy.deepcopy(dict(device.document))
    if kind in _NAMED:
        for member in ("groups",) if kind == "group" else DISK_LISTS:
            document[member] = [item for item in document.get(member, []) if item != found]
        for member in DISK_LISTS:
            if document.get(member) == []:
                del document[member]
    else:
        del _objects(document, kind)[name]
    return DeviceSpec.parse(document)


def _made(kind: str, name: str, members: Mapping[str, Any]) -> dict[str, Any]:
    record_type = RECORDS[kind]
    needed = {"disk": ("type",), "volume": ("persistence",), "pool": ("type", "subnet")}.get(kind, ())
    for member in needed:
        if members.get(member) is None:
            raise FormatError(f"{kind} {name} needs a {member}", hint=f"use --{member}")
    return record_type(
        **{**_spelled(kind, members), **({"name": name} if kind in _NAMED else {})}
    ).document()


def _spelled(kind: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """The switches of a disk are words there."""
    if kind != "disk":
        return dict(members)
    words = {True: "yes", False: ""}
    return {member: words[value] if isinstance(value, bool) else value for member, value in members.items()}


def _entries(document: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if kind == "group":
        return {group["name"]: group for group in document["groups"]}
    if kind == "disk":
        return {disk["name"]: disk for member in DISK_LISTS for disk in document.get(member, [])}
    found = (
        document.get("volumes", {}) if kind == "volume" else document.get("network", {}).get("pools", {})
    )
    return dict(found)


def _objects(document: dict[str, Any], kind: str) -> dict[str, Any]:
    if kind == "volume":
        found: dict[str, Any] = document.setdefault("volumes", {})
    else:
        found = document.setdefault("network", {}).setdefault("pools", {})
    return found


def _check(document: Mapping[str, Any], kind: str, name: str) -> str:
    found = _entries(document, kind)
    if name not in found:
        raise NotFound(f"device.json has no {kind} {name[:80]}", hint=names.choice(name, found))
    return name


def _entry(document: Mapping[str, Any], kind: str, name: str) -> Any:
    return _entries(document, kind)[_check(document, kind, name)]
