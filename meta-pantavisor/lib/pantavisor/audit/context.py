# SPDX-License-Identifier: MIT
"""One state under examination, with the facts about its objects and the place to put findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Optional

from ..digest import is_object_id
from ..readers import Findings
from ..state import State, part_names
from .content import Facts

DISK_LISTS = ("disks", "disks_v2", "disks_v3")


@dataclass(frozen=True)
class Context:
    """``whole``: the state is that of a device, and not only of parts of one. ``where`` names it in
    findings.
    """

    state: State
    facts: Mapping[str, Facts]
    findings: Findings
    counts: Counter[str]
    where: str
    whole: bool
    notes: Findings = field(default_factory=Findings)
    _volumes: dict[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def device(self) -> dict[str, Any]:
        """device.json, or what states from before it have in files of their own."""
        old = {name: self.state.get(f"{name}.json") for name in ("groups", *DISK_LISTS)}
        return self.document("device.json") or {
            name: value for name, value in old.items() if isinstance(value, list)
        }

    @cached_property
    def groups_by_name(self) -> dict[str, dict[str, Any]]:
        return {str(group.get("name")): group for group in self.groups}

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        """The groups of device.json."""
        return mappings(self.device.get("groups"))

    @cached_property
    def disk_names(self) -> frozenset[str]:
        """Names and aliases of all disks of device.json."""
        disks = [disk for name in DISK_LISTS for disk in mappings(self.device.get(name))]
        aliases = {alias for disk in disks for alias in strings(disk.get("aliases"))}
        return frozenset(aliases | {str(disk.get("name")) for disk in disks})

    @cached_property
    def pool_names(self) -> frozenset[str]:
        return frozenset(mapping(mapping(self.device.get("network")).get("pools")))

    @cached_property
    def driver_names(self) -> frozenset[str]:
        """The names that bsp/drivers.json gives to drivers."""
        aliases = self.document("bsp/drivers.json") or {}
        return frozenset(name for value in aliases.values() if isinstance(value, dict) for name in value)

    def volumes_of(self, container: str) -> frozenset[str]:
        """The names below ``/volumes/<container>/``."""
        if container not in self._volumes:
            run = self.document(f"{container}/run.json") or {}
            listed = [str(run.get("root-volume")), *strings(run.get("volumes"))]
            known = {name.partition(":")[2] if ":" in name else name for name in listed}
            self._volumes[container] = frozenset(known | set(mapping(run.get("storage"))))
        return self._volumes[container]

    def add(self, code: str, path: str, sentence: str, hint: Optional[str] = None) -> None:
        self.findings.add(code, f"{self.where}, {path}" if self.where else path, sentence, hint)

    def note(self, code: str, path: str, sentence: str, hint: Optional[str] = None) -> None:
        """What is worth knowing and not a problem."""
        self.notes.add(code, f"{self.where}, {path}" if self.where else path, sentence, hint)

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] += number

    def object_at(self, path: str) -> Optional[Facts]:
        """The facts of the object at a path of the state, or None if there is none."""
        value = self.state.get(path)
        return self.facts.get(value) if isinstance(value, str) and is_object_id(value) else None

    def part_names(self) -> tuple[str, ...]:
        """``bsp`` and the containers: the folders with a run.json."""
        return part_names(self.state)

    def document(self, path: str) -> Optional[dict[str, Any]]:
        """The inline JSON object at a path of the state, or None."""
        value = self.state.get(path)
        return value if isinstance(value, dict) else None

    def need_object(self, code: str, path: str, target: str, what: str) -> bool:
        """See that ``target``, which the file at ``path`` refers to as ``what``,
        is an object of the state.
        """
        if isinstance(value := self.state.get(target), str) and is_object_id(value):
            return True
        self.add(code, path, f"{what} refers to {target}, which is not in the state")
        return False


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """The objects of a JSON list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def is_in(value: Any, known: Collection[str]) -> bool:
    """Whether a JSON value of any kind is one of the known words."""
    return isinstance(value, str) and value in known


def strings(value: Any) -> list[str]:
    """The strings of a JSON list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
