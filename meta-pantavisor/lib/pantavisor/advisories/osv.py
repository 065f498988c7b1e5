# SPDX-License-Identifier: MIT
"""Advisories in the format of OSV (ossf.github.io/osv-schema, version 1): what each affects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any, Optional

from ..packages import Distribution, Package
from ..packages.model import APK, DEB, GOLANG, NPM, PYPI, RPM
from .versions import compare

Name = tuple[str, str]  # ecosystem, package
_LANGUAGES = {PYPI: "PyPI", NPM: "npm", GOLANG: "Go"}
_RPM = {"almalinux": "AlmaLinux", "rocky": "Rocky Linux"}
_START = "0"  # before all versions
MAX_CHARS = 500  # of a summary or an identifier


@dataclass(frozen=True)
class Advisory:
    """A known vulnerability. ``fixed`` are the versions that no longer have it, as far as known."""

    id: str
    summary: str
    aliases: tuple[str, ...]
    fixed: tuple[str, ...]


def name_of(package: Package, distribution: Optional[Distribution]) -> Optional[Name]:
    """What OSV calls a package; None where there is no such ecosystem. Those of Debian and Alpine are by
    their source.
    """
    if package.kind in _LANGUAGES:
        return _LANGUAGES[package.kind], _spelled(package.kind, package.name)
    if distribution is None:
        return None
    name, version = distribution.id, distribution.version
    if package.kind == DEB and name == "debian":
        return f"Debian:{version.partition('.')[0]}", package.source
    if package.kind == DEB and name == "ubuntu":
        return f"Ubuntu:{version}", package.source
    if package.kind == APK and name == "alpine":
        return f"Alpine:v{'.'.join(version.split('.')[:2])}", package.source
    if package.kind == RPM and name in _RPM:
        return f"{_RPM[name]}:{version.partition('.')[0]}", package.name
    return None


def version_of(package: Package) -> str:
    """The version that its advisories are about."""
    return package.source_version if package.kind in (DEB, APK) else package.version


def affected_names(document: Mapping[str, Any]) -> set[Name]:
    """What an advisory is about; nothing where it was withdrawn."""
    if document.get("withdrawn"):
        return set()
    return {name for item in _list(document, "affected") if (name := _affected_name(item))}


def identifier(document: Mapping[str, Any]) -> str:
    """What an advisory is called."""
    return _text(document.get("id"))


def advisory(document: Mapping[str, Any], name: Name, package: Package) -> Optional[Advisory]:
    """The advisory, if it affects this version of the package of this name."""
    affected = [item for item in _list(document, "affected") if _affected_name(item) == name]
    if not any(_affects(item, package) for item in affected):
        return None
    return Advisory(
        identifier(document),
        _text(document.get("summary")) or _text(document.get("details")).partition("\n")[0],
        tuple(_text(alias) for alias in _list(document, "aliases", of=str)),
        tuple(sorted(_fixed(affected))),
    )


def is_undecided(document: Mapping[str, Any], name: Name, package: Package) -> bool:
    """Whether an advisory that does not list the version has a range that it cannot be held against: one of
    the two has no place in the order of versions.
    """
    return any(
        not _is_ordered(package.kind, version_of(package), _steps(events))
        for item in _list(document, "affected")
        if _affected_name(item) == name
        for events in _ranges(item)
    )


def _affects(affected: Mapping[str, Any], package: Package) -> bool:
    version = version_of(package)
    if version in _list(affected, "versions", of=str):
        return True
    return any(_in_range(package.kind, version, events) for events in _ranges(affected))


def _ranges(affected: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The events of each range of versions."""
    for item in _list(affected, "ranges"):
        if item.get("type") in ("ECOSYSTEM", "SEMVER"):
            yield _list(item, "events")


def _steps(events: list[Any]) -> list[tuple[str, str]]:
    return [(str(value), str(word)) for event in events for word, value in event.items()]


def _is_ordered(kind: str, version: str, steps: list[tuple[str, str]]) -> bool:
    return bool(version) and all(
        value == _START or compare(kind, version, value) is not None
        for value in (version, *(step[0] for step in steps))
    )


def _in_range(kind: str, version: str, events: list[Any]) -> bool:
    """As the schema evaluates a range: events in the order of versions, of which the last one counts."""
    steps = _steps(events)
    if not _is_ordered(kind, version, steps):
        return False
    affected = False

    def before(one: tuple[str, str], other: tuple[str, str]) -> int:
        return _before(kind, one[0], other[0])

    for value, word in sorted(steps, key=cmp_to_key(before)):
        order = 1 if value == _START else compare(kind, version, value) or 0
        if word == "introduced" and order >= 0:
            affected = True
        elif (word == "fixed" and order >= 0) or (word == "last_affected" and order > 0):
            affected = False
    return affected


def _before(kind: str, one: str, other: str) -> int:
    if _START in (one, other):
        return (other == _START) - (one == _START)
    return compare(kind, one, other) or 0


def _affected_name(affected: Mapping[str, Any]) -> Optional[Name]:
    package = affected.get("package")
    if not isinstance(package, Mapping):
        return None
    ecosystem, name = package.get("ecosystem"), package.get("name")
    if not isinstance(ecosystem, str) or not isinstance(name, str):
        return None
    kind = next((kind for kind, word in _LANGUAGES.items() if word == ecosystem), "")
    # Ubuntu:22.04:LTS is the release 22.04 as well.
    return ":".join(ecosystem.split(":")[:2]), _spelled(kind, name)


def _spelled(kind: str, name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower() if kind == PYPI else name


def _fixed(affected: list[Any]) -> set[str]:
    ranges = [found for item in affected for found in _list(item, "ranges") if found.get("type") != "GIT"]
    events = [event for found in ranges for event in _list(found, "events")]
    return {_text(event["fixed"]) for event in events if "fixed" in event}


def _list(document: Mapping[str, Any], name: str, of: type = dict) -> list[Any]:
    found = document.get(name)
    return [item for item in found if isinstance(item, of)] if isinstance(found, list) else []


def _text(value: object) -> str:
    return value[:MAX_CHARS] if isinstance(value, str) else ""
