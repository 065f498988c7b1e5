# SPDX-License-Identifier: MIT
"""The values of an inspection. Plain and immutable; nothing here reads or draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..isolation import Isolation
from ..packages import Inventory
from ..pvs import Coverage
from ..squashfs import PackRecord
from ..state import State

DEVICE = "device"  # the part of everything that is neither of a container nor of the bsp


@dataclass(frozen=True)
class FileView:
    """A path of a state. ``object_id`` is None for inline JSON; ``size`` None for an object that is
    missing.

    ``uses`` counts the paths, of all revisions, that are this object.
    """

    path: str
    size: Optional[int]
    object_id: Optional[str]
    uses: int
    digest: str


@dataclass(frozen=True)
class Part:
    """A container, ``bsp`` or ``device``. ``origin`` is the image it was made from, as far as it is
    recorded; ``packed`` how its volumes were compressed, as far as it is recorded; ``isolation`` what a
    container may do, where that can be read; ``inventory`` the packages in its file systems, if it has any.
    """

    name: str
    files: tuple[FileView, ...]
    origin: str
    group: str
    packed: tuple[tuple[str, PackRecord], ...] = ()
    isolation: Optional[Isolation] = None
    inventory: Optional[Inventory] = None

    @property
    def size(self) -> int:
        return sum(file.size or 0 for file in self.files)


@dataclass(frozen=True)
class SignatureView:
    """A signature: by whom, over how many paths. ``problem`` is why it does not match the state, or is
    empty; ``release`` is the number that the signature of a set has.
    """

    name: str
    algorithm: str
    signer: str
    covers: int
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    problem: str
    release: Optional[int] = None


@dataclass(frozen=True)
class Revision:
    """A state with its parts; ``name`` is empty in exports and repositories."""

    name: str
    state: State
    parts: tuple[Part, ...]
    signatures: tuple[SignatureView, ...]
    coverage: Coverage

    @property
    def files(self) -> tuple[FileView, ...]:
        return tuple(file for part in self.parts for file in part.files)


@dataclass(frozen=True)
class PartitionView:
    index: int
    name: str
    kind: str
    start: int
    size: int


@dataclass(frozen=True)
class PackageChange:
    """A package of a part that is in other versions than before; none means that it is not in it."""

    part: str
    kind: str
    name: str
    before: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True)
class InnerChange:
    """A file in a file system of a part: ``added``, ``removed`` or ``changed``. ``volume`` is the path of
    the file system in the state.
    """

    volume: str
    path: str
    change: str


@dataclass(frozen=True)
class ChangesView:
    """What ``older`` and this differ in, by path, and in the file systems that are in both.
    ``update_bytes``: objects that the older one lacks, each once. ``notes`` are what could not be compared.
    """

    older: Path
    added: tuple[FileView, ...]
    removed: tuple[FileView, ...]
    changed: tuple[tuple[FileView, FileView], ...]  # older, newer
    update_bytes: int
    packages: tuple[PackageChange, ...] = ()
    inner: tuple[InnerChange, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """Everything. ``stored`` counts the bytes of all objects, each once; ``problems`` what could not be
    read.
    """

    target: Path
    kind: str
    size: int
    stored: int
    partitions: tuple[PartitionView, ...]
    boot_files: tuple[tuple[str, int], ...]
    revisions: tuple[Revision, ...]
    problems: tuple[str, ...]
    changes: Optional[ChangesView] = None


def latest(inspection: Inspection) -> Revision:
    """The revision with the highest number; named ones come before numbers. There must be one."""
    return max(
        inspection.revisions,
        key=lambda item: (item.name.isdecimal(), int(item.name) if item.name.isdecimal() else 0),
    )
