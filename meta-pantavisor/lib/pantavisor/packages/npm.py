# SPDX-License-Identifier: MIT
"""Packages of npm: ``package.json`` of what lies in a ``node_modules`` (npm's documentation, package.json),
and ``package-lock.json`` where an application was bundled without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import cjson
from .model import NPM, Package

_FOLDER = "node_modules/"


def packages(data: bytes) -> Iterator[Package]:
    """The package that a package.json describes. Raises FormatError."""
    found = cjson.load_object(data, what="it")
    if isinstance(found.get("name"), str) and isinstance(found.get("version"), str):
        yield Package(NPM, found["name"], found["version"], licence=_licence(found))


def locked(data: bytes) -> Iterator[Package]:
    """What a package-lock.json of version 2 or 3 installs, without what is only for development. Raises
    FormatError.
    """
    members = cjson.load_object(data, what="it").get("packages")
    for path, found in members.items() if isinstance(members, dict) else ():
        if _FOLDER not in path or not isinstance(found, dict) or found.get("dev") or found.get("link"):
            continue
        name = found.get("name") or path.rpartition(_FOLDER)[2]
        if isinstance(name, str) and isinstance(found.get("version"), str):
            yield Package(NPM, name, found["version"], licence=_licence(found))


def _licence(found: Mapping[str, Any]) -> str:
    licence = found.get("license")
    if isinstance(licence, dict):  # as old packages have it
        licence = licence.get("type")
    return licence if isinstance(licence, str) else ""
