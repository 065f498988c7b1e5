# SPDX-License-Identifier: MIT
"""Whether two containers expose one port of the device's network, where only one of them can have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import isolation
from ..objects import ObjectPool
from ..state import State
from . import confs

MEMBER = "ExposedPorts"
TCP = "/tcp"  # of a port without a word for it


def warnings(state: State, pool: ObjectPool) -> Iterator[str]:
    """Of each port that several containers expose by their images' configs."""
    owners: dict[str, list[str]] = {}
    for name in state.container_names():
        exposed = _exposed(state.get(f"{name}/src.json"))
        if exposed and _is_in_device_network(state, pool, name):
            for port in {port if "/" in port else port + TCP for port in exposed}:
                owners.setdefault(port, []).append(name)
    for port, names in sorted(owners.items()):
        if len(names) > 1:
            yield (
                f"{' and '.join(names)} expose {port} of the device's network, and only one gets it: "
                "have one listen elsewhere, or give it an address of its own (PV_NETWORK_POOL in PVR_ARGS)"
            )


def _exposed(source: Any) -> list[str]:
    """What the recipe or the command set takes the place of what the image has."""
    source = source if isinstance(source, Mapping) else {}
    for member in ("config", "docker_config"):
        config = source.get(member)
        ports = config.get(MEMBER) if isinstance(config, Mapping) else None
        if isinstance(ports, Mapping):
            return list(ports)
    return []


def _is_in_device_network(state: State, pool: ObjectPool, name: str) -> bool:
    """What is only mounted runs nothing, and what has an address of a pool has ports of its own."""
    run = state.get(f"{name}/run.json")
    if isinstance(run, Mapping) and run.get("network"):
        return False
    text = confs.conf(state, pool, name)
    return text is not None and isolation.is_in_device_network(text)
