# SPDX-License-Identifier: MIT
"""device.json of a working tree: groups, disks, volumes and network pools."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Optional

from .. import atomic, cjson, manifests
from ..errors import NotFound, PantavisorError
from ..manifests import DeviceSpec
from .repository import Repository

DEVICE = "device.json"
Change = Callable[[DeviceSpec], DeviceSpec]


def read_device(repository: Repository) -> Optional[DeviceSpec]:
    """device.json of the working tree, or what old states have in its place; None without either."""

    def document(name: str) -> Any:
        path = repository.root / name
        return cjson.loads(path.read_bytes(), what=name) if path.is_file() else None

    return manifests.read_device(document)


def device_of(repository: Repository) -> DeviceSpec:
    """As read_device. Raises NotFound without one."""
    found = read_device(repository)
    if found is None:
        raise NotFound(f"there is no {DEVICE} in {repository.root}", hint="pvr device init writes one")
    return found


def write_default_device(repository: Repository) -> None:
    """Write a device.json, with the groups of an old state where there are any. Raises PantavisorError for a second."""
    with repository.lock():
        if (repository.root / DEVICE).exists():
            raise PantavisorError(f"there is a {DEVICE} already", hint="pvr device ls shows it")
        # The groups of an old state stay what they are: devices would read groups.json no more.
        old = read_device(repository)
        _write(repository, old.document if old else manifests.default_device())


def edit_device(repository: Repository, change: Change) -> None:
    """Write what ``change`` makes of device.json. Raises PantavisorError where a container uses what would go."""
    with repository.lock():
        before = device_of(repository)
        after = change(before)
        manifests.check_users(before, after, _runs(repository))
        _write(repository, after.document)


def _runs(repository: Repository) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in sorted(repository.root.glob("*/run.json")):
        yield path.parent.name, cjson.load_object(path.read_bytes(), what=str(path))


def _write(repository: Repository, document: Mapping[str, Any]) -> None:
    atomic.write(repository.root / DEVICE, cjson.dumps(document))
