# SPDX-License-Identifier: MIT
"""What a bill of materials lists, whatever its format: a state, its parts, their files and packages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import NotFound
from ..inspect import DEVICE, FileView, Inspection, Part, latest, read
from ..packages import Package, purl, spelled
from ..state import State

BSP = "bsp"


@dataclass(frozen=True)
class Component:
    """A package with its URL."""

    package: Package
    purl: str


@dataclass(frozen=True)
class ListedPart:
    """A part: ``version`` and ``purl`` are those of the image that a container was made of, as far as they
    are recorded. ``notes`` are what could not be read, so that packages may be missing.
    """

    name: str
    version: str
    purl: str
    digest: str
    files: tuple[FileView, ...]
    components: tuple[Component, ...]
    notes: tuple[str, ...]

    @property
    def is_container(self) -> bool:
        return self.name not in (BSP, DEVICE)


@dataclass(frozen=True)
class Subject:
    """A state: its ``digest`` identifies it, ``name`` and ``revision`` are for people."""

    name: str
    revision: str
    digest: str
    parts: tuple[ListedPart, ...]


def subject(target: Path) -> Subject:
    """What is in a disk image, storage tree, export or repository; of several revisions the highest.
    Raises NotFound where it holds no state.
    """
    inspection = read(target)
    if not inspection.revisions:
        raise NotFound(
            f"{target} holds no state to list",
            hint="name an image, storage tree, export or repository; pvr inspect shows its problems",
        )
    return of(inspection)


def of(inspection: Inspection) -> Subject:
    """What is in the latest revision of an inspection, which has one."""
    revision = latest(inspection)
    name = inspection.target.resolve().name
    parts = tuple(_listed(part, revision.state) for part in revision.parts)
    return Subject(name, revision.name, revision.state.digest(), parts)


def _listed(part: Part, state: State) -> ListedPart:
    version, url = _image(state.get(f"{part.name}/src.json"))
    content = "".join(f"{file.digest}  {file.path}\n" for file in part.files)
    inventory = part.inventory
    missing = [f"{file.path} is missing" for file in part.files if file.size is None]
    return ListedPart(
        part.name,
        version,
        url,
        hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest(),
        part.files,
        tuple(Component(item, purl(item, inventory.distribution)) for item in inventory.packages)
        if inventory
        else (),
        (*missing, *(inventory.notes if inventory else ())),
    )


def _image(source: object) -> tuple[str, str]:
    """The digest or tag of an image of a registry, and its package URL."""
    if not isinstance(source, Mapping):
        return "", ""
    name, _, digest = str(source.get("docker_digest") or "").partition("@")
    tag = source.get("docker_tag")
    if not name or not digest:
        return (tag if isinstance(tag, str) else ""), ""
    _, _, architecture = str(source.get("docker_platform") or "").partition("/")
    qualifiers = {"arch": architecture, "repository_url": name, "tag": tag if isinstance(tag, str) else ""}
    return digest, spelled("oci", [name.rpartition("/")[2].lower()], digest, qualifiers)
