# SPDX-License-Identifier: MIT
"""device.json of a working tree: groups, disks, volumes and network pools."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Optional

from .. import atomic, beneath, cjson, manifests
from ..errors import NotFound, PantavisorError
from ..manifests import DeviceSpec
from .repository import Repository

DEVICE = "device.json"
Change = Callable[[DeviceSpec], DeviceSpec]


def read_device(repository: Repository) -> Optional[DeviceSpec]:
    """device.json of the working tree, or what old states have in its place; None without either."""

    def document(name: str) -> Any:
        return (
            cjson.loads(_read(repository, name), what=name)
            if beneath.is_file(repository.root, name)
            else None
        )

    return manifests.read_device(document)


def device_of(repository: Repository) -> DeviceSpec:
    """As read_device. Raises NotFound without one."""
    found = read_device(repository)
    if found is None:
        raise NotFound(f"there is no {DEVICE} in {repository.root}", hint="run: pvr device init")
    return found


def write_default_device(repository: Repository) -> None:
    """Write a device.json, with the groups of an old state where there are any. Raises PantavisorError for
    a second.
    """
    with repository.lock():
        repository.need_written_below(DEVICE)
        if os.path.lexists(repository.root / DEVICE):
            raise PantavisorError(f"there is a {DEVICE} already", hint="run: pvr device ls")
        # The groups of an old state stay what they are: devices would read groups.json no more.
        old = read_device(repository)
        _write(repository, old.document if old else manifests.default_device())


def edit_device(repository: Repository, change: Change) -> None:
    """Write what ``change`` makes of device.json. Raises PantavisorError where a container uses what would
    go.
    """
    with repository.lock():
        repository.need_written_below(DEVICE)
        before = device_of(repository)
        after = change(before)
        manifests.check_users(before, after, _runs(repository))
        _write(repository, after.document)


def _runs(repository: Repository) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in sorted(repository.root.glob("*/run.json")):
        name = path.parent.name
        if beneath.is_file(repository.root, f"{name}/run.json"):
            yield name, cjson.load_object(_read(repository, f"{name}/run.json"), what=str(path))


def _read(repository: Repository, path: str) -> bytes:
    return beneath.read(repository.root, path, limit=cjson.MAX_BYTES)


def _write(repository: Repository, document: Mapping[str, Any]) -> None:
    atomic.write(repository.root / DEVICE, cjson.dumps(document))
