# SPDX-License-Identifier: MIT
"""A bill of materials as CycloneDX 1.6 in JSON (ECMA-424): parts are components of the state, files and
packages components of their part.
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

from .. import __version__
from .subject import Component, ListedPart, Subject

VERSION = "1.6"
_SCHEMA = f"http://cyclonedx.org/schema/bom-{VERSION}.schema.json"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://pantavisor/state")
_NOTE = "pantavisor:note"


def document(subject: Subject, created: str) -> dict[str, Any]:
    """The document, created at a time of RFC 3339."""
    root = f"state:{subject.digest}"
    incomplete = [_reference(part) for part in subject.parts if part.notes]
    return {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, subject.digest)}",
        "version": 1,
        "metadata": {
            "timestamp": created,
            "tools": {"components": [{"type": "application", "name": "pvr", "version": __version__}]},
            "component": {
                **_named("firmware", root, subject.name, subject.revision),
                "hashes": _sha256(subject.digest),
            },
        },
        "components": [_listed(part) for part in subject.parts],
        "dependencies": [{"ref": root, "dependsOn": sorted(map(_reference, subject.parts))}],
        **(
            {"compositions": [{"aggregate": "incomplete", "assemblies": sorted(incomplete)}]}
            if incomplete
            else {}
        ),
    }


def _listed(part: ListedPart) -> dict[str, Any]:
    reference = _reference(part)
    files = [
        {**_named("file", f"{reference}/file/{number}", file.path), "hashes": _sha256(file.digest)}
        for number, file in enumerate(part.files)
    ]
    packages = [
        _package(f"{reference}/package/{number}", component)
        for number, component in enumerate(part.components)
    ]
    kind = "container" if part.is_container else "firmware"
    return {
        **_named(kind, reference, part.name, part.version),
        **({"purl": part.purl} if part.purl else {}),
        "hashes": _sha256(part.digest),
        **({"properties": [{"name": _NOTE, "value": note} for note in part.notes]} if part.notes else {}),
        "components": [*files, *packages],
    }


def _package(reference: str, component: Component) -> dict[str, Any]:
    package = component.package
    return {
        **_named("library", reference, package.name, package.version),
        "purl": component.purl,
        **({"licenses": [{"license": {"name": package.licence}}]} if package.licence else {}),
        "evidence": {"occurrences": [{"location": package.place}]},
    }


def _named(kind: str, reference: str, name: str, version: str = "") -> dict[str, Any]:
    found = {"type": kind, "bom-ref": reference, "name": name}
    return {**found, "version": version} if version else found


def _reference(part: ListedPart) -> str:
    return f"part/{quote(part.name, safe='-._~')}"


def _sha256(value: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": value}]
