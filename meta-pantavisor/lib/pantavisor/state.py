# SPDX-License-Identifier: MIT
"""The state of a whole device: a flat, immutable map of paths to object ids or inline JSON.

A value is inline JSON exactly if its path ends in ``.json`` and it is not a string of 64 hex digits;
``#spec`` names the format. The device's loader takes the text apart itself, so a state has one spelling:
canonical JSON.

Source: docs/formats/state.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union

from . import cjson, names
from .digest import is_object_id
from .errors import FormatError, LimitError

SPEC = "pantavisor-service-system@1"
SPECS = frozenset([SPEC, "pantavisor-multi-platform@1"])
BSP = "bsp"
MAX_PATHS = 20_000
# As much as a device reads.
MAX_BYTES = 4 * 1024 * 1024
MAX_VALUES = 131_072  # objects, arrays, strings, numbers and words
# The device counts these words anywhere in the text; a second one makes it overlook the file.
RESERVED_FILES = frozenset(["device.json", "bsp/run.json", "groups.json", "disks.json", "bsp/drivers.json"])

Value = Union[str, Mapping[str, Any], list[Any]]


@dataclass(frozen=True)
class Changes:
    """What differs between two states, each sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def within(self, paths: Collection[str]) -> Changes:
        """Only what concerns ``paths``."""
        kept = (
            tuple(path for path in kind if path in paths)
            for kind in (self.added, self.removed, self.changed)
        )
        return Changes(*kept)


def part_names(paths: Iterable[str]) -> tuple[str, ...]:
    """``bsp`` and the containers: the folders with a run.json, sorted."""
    return tuple(
        sorted(
            {
                path.partition("/")[0]
                for path in paths
                if path.endswith("/run.json") and path.count("/") == 1
            }
        )
    )


class State(Mapping[str, Value]):
    """Paths in order. Treat values as read-only."""

    def __init__(self, files: Mapping[str, Value]) -> None:
        if len(files) > MAX_PATHS:
            raise LimitError(f"a state of {len(files)} paths is larger than the {MAX_PATHS} allowed")
        if (count := _count(files)) > MAX_VALUES:
            raise LimitError(f"a state of {count} JSON values is larger than the {MAX_VALUES} allowed")
        for path, value in files.items():
            _check(path, value)
        _check_folders(files)
        self._files = {path: files[path] for path in sorted(files)}

    @classmethod
    def empty(cls) -> State:
        return cls({"#spec": SPEC})

    @classmethod
    def parse(cls, data: bytes, *, what: str = "state") -> State:
        """Read a state's text. Raises FormatError for what a device could not use, LimitError for too much
        of it.
        """
        document = cjson.load_object(data, what=what, max_bytes=MAX_BYTES)
        if str(document.get("#spec")) not in SPECS:
            raise FormatError(f'{what} has no "#spec" of {SPEC}')
        return cls(document)

    def dumps(self) -> bytes:
        return cjson.dumps(self._files)

    def digest(self) -> str:
        """The sha256 of the canonical text, 64 hex digits."""
        return hashlib.sha256(self.dumps()).hexdigest()

    def __getitem__(self, path: str) -> Value:
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def with_files(self, files: Mapping[str, Value]) -> State:
        return State({**self._files, **files})

    def without(self, paths: Iterable[str]) -> State:
        gone = frozenset(paths)
        return State({path: value for path, value in self._files.items() if path not in gone})

    def object_ids(self) -> frozenset[str]:
        return frozenset(
            value for value in self._files.values() if isinstance(value, str) and is_object_id(value)
        )

    def inline(self) -> dict[str, Value]:
        """The paths whose value is JSON, without ``#spec``."""
        return {
            path: value
            for path, value in self._files.items()
            if path != "#spec" and not is_object_id(value)
        }

    def objects(self) -> dict[str, str]:
        """The paths whose value is an object id."""
        return {
            path: value
            for path, value in self._files.items()
            if isinstance(value, str) and is_object_id(value)
        }

    def part_names(self) -> tuple[str, ...]:
        """``bsp`` and the containers, sorted."""
        return part_names(self._files)

    def container_names(self) -> tuple[str, ...]:
        """The parts that run or are mounted, sorted: all but the bsp."""
        return tuple(name for name in self.part_names() if name != BSP)

    def part(self, name: str) -> dict[str, Value]:
        """A part's own paths with its config overlay and its signature."""
        own = (f"{name}/", names.overlay_folder(name))
        return {
            path: value
            for path, value in self._files.items()
            if path.startswith(own) or path == names.signature_path(name)
        }

    def diff(self, older: State) -> Changes:
        """What changed from ``older`` to this state."""
        return Changes(
            added=tuple(path for path in self if path not in older),
            removed=tuple(path for path in older if path not in self),
            changed=tuple(path for path in self if path in older and self[path] != older[path]),
        )

    def missing_objects(self, older: State) -> frozenset[str]:
        """The objects that an update from ``older`` to this state must carry."""
        return self.object_ids() - older.object_ids()

    def warnings(self) -> tuple[str, ...]:
        """What is legal and yet misread or lost by published tools and devices."""
        return tuple(warning for path, value in self._files.items() for warning in _warnings(path, value))


def _count(value: Any) -> int:
    """The value and all in it."""
    if isinstance(value, Mapping):
        return 1 + sum(map(_count, value.values()))
    return 1 + sum(map(_count, value)) if isinstance(value, (list, tuple)) else 1


def _check(path: str, value: Value) -> None:
    names.check_path(path)
    if path == "#spec":
        if not isinstance(value, str):
            raise FormatError("#spec is not a string")
    elif path.endswith(".json"):
        if not is_object_id(value) and not isinstance(value, (Mapping, list)):
            raise FormatError(f"{path} is neither an object id nor a JSON object or array")
    elif not is_object_id(value):
        raise FormatError(f"{path} has no object id (64 lowercase hex digits) as its value")


def _check_folders(files: Mapping[str, Value]) -> None:
    for path in files:
        folder = path.rpartition("/")[0]
        while folder:
            if folder in files:
                raise FormatError(f"{folder} is a file, but {path} needs it to be a directory")
            folder = folder.rpartition("/")[0]


def _warnings(path: str, value: Value) -> Iterator[str]:
    if path != "#spec" and any(name != path and name.startswith(path) for name in RESERVED_FILES):
        yield f"{path} is the beginning of a reserved file's name, which makes devices drop it"
    if isinstance(value, str):
        return
    if not path.endswith("src.json") and _holds(value, lambda item: item is None):
        yield f"{path} holds null, which older tools drop"
    if _holds(value, lambda item: isinstance(item, str) and item in RESERVED_FILES):
        yield f"{path} holds the name of a reserved file, which makes devices overlook that file"


def _holds(value: Any, test: Callable[[Any], bool]) -> bool:
    if isinstance(value, Mapping):
        return any(test(name) or _holds(item, test) for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return any(_holds(item, test) for item in value)
    return test(value)
