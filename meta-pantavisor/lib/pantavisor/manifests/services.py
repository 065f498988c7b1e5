# SPDX-License-Identifier: MIT
"""What containers want of the device and of each other: drivers and services; what services.json offers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import FormatError
from .members import Record

SPEC = "service-manifest-xconnect@1"
TYPES = ("rest", "dbus", "unix", "drm", "wayland", "input")
OFFERED = frozenset(["name", "type", "socket", "bus", "owns", "role", "allow"])
MAX_SERVICES = 256
_DRIVER = re.compile(r"[^\s,]{1,128}")


@dataclass(frozen=True)
class Drivers:
    """Aliases of bsp/drivers.json: loaded with the container or else it fails,
    if there, or when it asks.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    manual: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for driver in (*self.required, *self.optional, *self.manual):
            if not _DRIVER.fullmatch(driver):
                raise FormatError(f'"{driver[:80]}" cannot be the name of a driver')

    def document(self) -> dict[str, list[str]]:
        return {
            "manual": list(self.manual),
            "required": list(self.required),
            "optional": list(self.optional),
        }


@dataclass(frozen=True)
class Service(Record):
    """One that a container uses; ``target`` is where its socket appears."""

    type: str
    name: Optional[str] = None
    role: Optional[str] = None
    interface: Optional[str] = None
    target: Optional[str] = None

    def __post_init__(self) -> None:
        check_consumed([self.document()], "services")


WANTED = tuple(Service.__dataclass_fields__)


@dataclass(frozen=True)
class Services:
    """Those without which a container cannot be, those it takes if there, and those it asks for itself."""

    required: tuple[Service, ...] = ()
    optional: tuple[Service, ...] = ()
    manual: tuple[Service, ...] = ()

    def document(self) -> dict[str, list[dict[str, str]]]:
        kinds = {"manual": self.manual, "required": self.required, "optional": self.optional}
        return {kind: [service.document() for service in found] for kind, found in kinds.items()}


def consumed_services(value: Any, where: str) -> tuple[Service, ...]:
    """The services that a container consumes, from a list of objects."""
    return tuple(Service(**service) for service in check_consumed(value, where))


def check_consumed(value: Any, where: str) -> list[Any]:
    """The list, or a FormatError that names the place."""
    for index, service in enumerate(_check(value, WANTED, where)):
        for member, text in service.items():
            if not isinstance(text, str):
                raise FormatError(f"{where}[{index}]: {member} is not a string")
    return list(value)


def services_manifest(offered: Any, *, what: str = "services.json") -> dict[str, Any]:
    """The document of ``<container>/services.json`` for a list of services; each has a name and a type.
    Raises FormatError.
    """
    return {"#spec": SPEC, "services": _check(offered, OFFERED, what)}


def _check(value: Any, members: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_SERVICES:
        raise FormatError(f"{where} is not a list of at most {MAX_SERVICES} services")
    for index, service in enumerate(value):
        at = f"{where}[{index}]"
        if not isinstance(service, Mapping) or not isinstance(service.get("name", ""), str):
            raise FormatError(f"{at} is not an object with a name")
        for member in service:
            if member not in members:
                raise names.unknown(member, members, what=f"member of {at}:")
        if service.get("type") not in TYPES:
            raise names.unknown(str(service.get("type")), TYPES, what=f"{at}: type")
    return value
