# SPDX-License-Identifier: MIT
"""Whether the manifests of a whole state fit together: what a device would only find out when it starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .. import names
from ..errors import FormatError, PantavisorError
from ..state import State
from . import verity
from .arguments import read_arguments
from .bsp import BspSpec
from .device import DeviceSpec, read_device
from .mounts import VolumeImport

MAX_CONTAINERS = 128


def check_state(state: State) -> DeviceSpec:
    """Raise FormatError, naming the file, for what a device refuses: groups, disks, pools, volumes that do
    not exist.

    Returns the device's own manifest. Signatures are not looked at.
    """
    spec = read_device(state.get)
    if spec is None:
        raise FormatError("the state has no device.json", hint="add the export of a bsp, which has one")
    run = state.get("bsp/run.json")
    if isinstance(run, Mapping):
        # Boards of other builders may have more in it than we know of.
        known = {member: value for member, value in run.items() if member in BspSpec.__dataclass_fields__}
        _check_files(state, "bsp/run.json", BspSpec.parse(known).files)
    containers = state.container_names()
    if len(containers) > MAX_CONTAINERS:
        raise FormatError(f"the state has more than {MAX_CONTAINERS} containers")
    for name in containers:
        _check_container(state, name, spec)
    return spec


def _check_container(state: State, name: str, device: DeviceSpec) -> None:
    names.check_container(name)
    where = f"{name}/run.json"
    run = state[where]
    if not isinstance(run, Mapping) or run.get("name") != name:
        raise FormatError(f'the name in {where} is not "{name}"')
    check_references(run, device, where)
    _check_files(state, where, tuple(_files(run, name, where)))
    for imported in _imports(state, name):
        _check_import(state, name, imported)


def _imports(state: State, name: str) -> tuple[VolumeImport, ...]:
    """The volumes of others that the container mounts, as src.json records them."""
    source = state.get(f"{name}/src.json")
    arguments = source.get("args") if isinstance(source, Mapping) else None
    argument = "PV_VOLUME_IMPORTS"
    if not isinstance(arguments, Mapping) or argument not in arguments:
        return ()
    fields = read_arguments({argument: arguments[argument]})
    found: tuple[VolumeImport, ...] = fields.get("volume_imports", ())
    return found


def _check_import(state: State, name: str, imported: VolumeImport) -> None:
    """Raise FormatError for a volume that no container of the state has: LXC could not mount it, and passes
    over one that is optional.
    """
    if "optional" in imported.flags.split(","):
        return
    what = f"volume {imported.container}:{imported.path}, which {name} imports"
    if imported.container not in state.container_names():
        raise names.unknown(imported.container, state.container_names(), what=f"container of the {what}:")
    if imported.within:
        return
    storage = _object(_object(state, f"{imported.container}/run.json", "the state"), "storage", "run.json")
    paths = {key.removeprefix("docker-"): key for key in storage}
    if imported.path.replace("/", "-") not in paths:
        known = sorted(path.replace("-", "/", 1) for path in paths if path.startswith("-"))
        raise names.unknown(imported.path, known, what=f"path of the {what}:")


def check_references(run: Mapping[str, Any], device: DeviceSpec, where: str) -> None:
    """Raise FormatError unless ``device`` has what the run.json called ``where`` refers to."""
    known = {"group": device.group_names, "disk": device.disk_names, "pool": device.pool_names}
    for kind, name, what in references(run, where):
        if not (isinstance(name, str) and name in known[kind]):
            error = names.unknown(str(name), known[kind], what=f"{what} in {where}:")
            raise FormatError(error.message, hint=error.hint or f"run: pvr device {kind} add {name}")


def check_users(
    before: DeviceSpec, after: DeviceSpec, runs: Iterable[tuple[str, Mapping[str, Any]]]
) -> None:
    """Raise PantavisorError where a container, of ``runs`` by name, refers to what only ``before`` has."""
    gone = {
        "group": set(before.group_names) - set(after.group_names),
        "disk": before.disk_names - after.disk_names,
        "pool": before.pool_names - after.pool_names,
    }
    for container, run in runs:
        for kind, name, _ in references(run, f"{container}/run.json"):
            if isinstance(name, str) and name in gone[kind]:
                raise PantavisorError(
                    f"{kind} {name} is used by {container}", hint=f"change or remove {container} first"
                )


def references(run: Mapping[str, Any], where: str) -> tuple[tuple[str, Any, str], ...]:
    """What a run.json refers to in device.json: its kind (group, disk or pool), its name, and what for.
    Raises FormatError.
    """
    found = [("group", run.get("group", run.get("runlevel")), "group")]
    for volume, storage in _object(run, "storage", where).items():
        disk = storage.get("disk") if isinstance(storage, Mapping) else None
        found.append(("disk", disk, f"disk of {volume}"))
    found.append(("pool", _object(run, "network", where).get("pool"), "network pool"))
    return tuple(item for item in found if item[1] is not None)


def _files(run: Mapping[str, Any], name: str, where: str) -> Iterator[str]:
    volumes = run.get("volumes", [])
    if not isinstance(volumes, list) or "root-volume" not in run:
        raise FormatError(f"{where} has no root-volume, or volumes that are not a list")
    for volume in (run["root-volume"], *volumes):
        text = str(volume)
        yield f"{name}/{verity.file_of(text)}"
        if verity.is_protected(text):
            yield f"{name}/{verity.manifest_of(text)}"
    if run.get("type") == "lxc" or "config" in run:
        yield f"{name}/{run.get('config')}"


def _check_files(state: State, where: str, files: tuple[str, ...]) -> None:
    for path in files:
        if path not in state:
            raise FormatError(f"{where} names {path}, which the state does not have")


def _object(run: Mapping[str, Any], member: str, where: str) -> Mapping[str, Any]:
    value = run.get(member, {})
    if not isinstance(value, Mapping):
        raise FormatError(f"{where}: {member} is not an object")
    return value
