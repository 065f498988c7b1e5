"""Services between containers: what run.json asks for, what services.json offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import names
from ..errors import FormatError

SPEC = "service-manifest-xconnect@1"
TYPES = ("rest", "dbus", "unix", "drm", "wayland", "input")
WANTED = frozenset(["name", "type", "role", "interface", "target"])
OFFERED = frozenset(["name", "type", "socket", "bus", "owns", "role", "allow"])
MAX_SERVICES = 256


def check_wanted(value: Any, where: str) -> list[Any]:
    """A list of services that a container consumes."""
    return _check(value, WANTED, where)


def services_manifest(offered: Any, *, what: str = "services.json") -> dict[str, Any]:
    """The document of ``<container>/services.json`` for a list of services; each has a name and a type."""
    return {"#spec": SPEC, "services": _check(offered, OFFERED, what)}


def _check(value: Any, members: frozenset[str], where: str) -> list[Any]:
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
