# SPDX-License-Identifier: MIT
"""A bill of materials as SPDX 3.0.1 in JSON-LD (spdx.github.io/spdx-spec/v3.0.1), with the profiles Core
and Software.

Identifiers come from the state's digest and the order of what is in it: the same state has the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from .. import __version__
from .subject import Component, ListedPart, Subject

VERSION = "3.0.1"
CONTEXT = f"https://spdx.org/rdf/{VERSION}/spdx-context.jsonld"
NAMESPACE = "https://spdx.org/spdxdocs/pantavisor-"
_CREATION = "_:creation"

Element = dict[str, Any]


def document(subject: Subject, created: str) -> dict[str, Any]:
    """The document, created at a time of RFC 3339."""
    return {"@context": CONTEXT, "@graph": list(_Writer(subject).graph(created))}


def identifier(subject: Subject, part: str) -> str:
    """The element of a part in that document."""
    return f"{NAMESPACE}{subject.digest}/{_place(part)}"


class _Writer:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._base = f"{NAMESPACE}{subject.digest}/"

    def graph(self, created: str) -> Iterator[Element]:
        elements = [*self._elements()]
        tool, sbom = self._base + "tool", self._base + "sbom"
        yield {
            "type": "CreationInfo",
            "@id": _CREATION,
            "created": created,
            "createdBy": [self._base + "agent"],
            "createdUsing": [tool],
            "specVersion": VERSION,
        }
        yield self._element("SoftwareAgent", "agent", name="pvr")
        yield self._element("Tool", "tool", name=f"pvr {__version__}")
        names = sorted(element["spdxId"] for element in elements)
        root = self._base + "state"
        yield self._element(
            "software_Sbom", "sbom", software_sbomType=["analyzed"], rootElement=[root], element=names
        )
        profiles = ["core", "software"]
        yield self._element(
            "SpdxDocument", "document", name=self._subject.name, profileConformance=profiles,
            rootElement=[sbom],
        )  # fmt: skip
        yield from elements

    def _elements(self) -> Iterator[Element]:
        subject = self._subject
        yield self._package(
            "state", subject.name, subject.revision, "firmware", verifiedUsing=_sha256(subject.digest)
        )
        yield from self._contains("state", [_place(part.name) for part in subject.parts], complete=True)
        for part in subject.parts:
            yield from self._listed(part)

    def _listed(self, part: ListedPart) -> Iterator[Element]:
        place = _place(part.name)
        purpose = "container" if part.is_container else "firmware"
        more: Element = {"verifiedUsing": _sha256(part.digest)}
        if part.purl:
            more["software_packageUrl"] = part.purl
        if part.notes:
            more["comment"] = "Packages may be missing. " + " ".join(f"{note}." for note in part.notes)
        yield self._package(place, part.name, part.version, purpose, **more)
        files = [f"{place}/file/{number}" for number in range(len(part.files))]
        packages = [f"{place}/package/{number}" for number in range(len(part.components))]
        yield from self._contains(place, [*files, *packages], complete=not part.notes)
        for name, file in zip(files, part.files):
            yield self._element(
                "software_File", name, name=file.path, verifiedUsing=_sha256(file.digest),
                software_primaryPurpose="file",
            )  # fmt: skip
        for name, component in zip(packages, part.components):
            yield self._component(name, component)

    def _component(self, name: str, component: Component) -> Element:
        package = component.package
        more: Element = {"software_packageUrl": component.purl}
        if package.source:
            more["software_sourceInfo"] = f"built from {package.source} {package.source_version}".strip()
        more["comment"] = f"listed in {package.place}"
        return self._package(name, package.name, package.version, "", **more)

    def _package(self, place: str, name: str, version: str, purpose: str, **more: Any) -> Element:
        if version:
            more["software_packageVersion"] = version
        if purpose:
            more["software_primaryPurpose"] = purpose
        return self._element("software_Package", place, name=name, **more)

    def _contains(self, place: str, inside: Iterable[str], *, complete: bool) -> Iterator[Element]:
        to = sorted(self._base + name for name in inside)
        if to:
            yield self._element(
                "Relationship",
                f"{place}/contains",
                **{"from": self._base + place},
                to=to,
                relationshipType="contains",
                completeness="noAssertion" if complete else "incomplete",
            )

    def _element(self, kind: str, place: str, **more: Any) -> Element:
        return {"type": kind, "spdxId": self._base + place, "creationInfo": _CREATION, **more}


def _place(part: str) -> str:
    return f"part/{quote(part, safe='-._~')}"


def _sha256(value: str) -> list[Element]:
    return [{"type": "Hash", "algorithm": "sha256", "hashValue": value}]
