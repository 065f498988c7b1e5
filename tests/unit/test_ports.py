# SPDX-License-Identifier: MIT
"""Two containers that expose one port of the device's network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pantavisor.factory import ports
from pantavisor.objects import ObjectPool
from pantavisor.state import State

SHARED = "lxc.namespace.keep = user net ipc\n"
OWN = "lxc.net.0.type = veth\n"


def warnings(folder: Path, *containers: tuple[str, dict[str, Any], str, dict[str, Any]]) -> list[str]:
    pool, files = ObjectPool(folder / "objects"), {}
    for name, source, conf, run in containers:
        files[f"{name}/run.json"] = {"name": name, "config": "lxc.container.conf", **run}
        files[f"{name}/src.json"] = source
        files[f"{name}/lxc.container.conf"] = pool.put_bytes(conf.encode())
    return list(ports.warnings(State.empty().with_files(files), pool))


def exposing(*names: str, member: str = "docker_config") -> dict[str, Any]:
    return {member: {"ExposedPorts": {name: {} for name in names}}}


def test_two_with_one_port_of_the_device_are_named(tmp_path: Path) -> None:
    web = ("web", exposing("80/tcp", "443/tcp"), SHARED, {})
    (warning,) = warnings(tmp_path, web, ("api", exposing("80"), SHARED, {}))
    assert (
        warning.startswith("api and web expose 80/tcp of the device's network") and "PV_NETWORK" in warning
    )


@pytest.mark.parametrize(
    ("source", "conf", "run"),
    [(exposing("80/udp"), SHARED, {}), (exposing("81", "81/tcp"), SHARED, {}), (exposing("80"), OWN, {}),
     ({}, SHARED, {}), ([], SHARED, {}),
     (exposing("80"), SHARED, {"network": {"pool": "apps"}}), (exposing("80"), SHARED, {"config": ""}),
     ({**exposing("80"), **exposing("81", member="config")}, SHARED, {})],
)  # fmt: skip
def test_others_are_not(source: Any, conf: str, run: dict[str, Any], tmp_path: Path) -> None:
    assert warnings(tmp_path, ("web", exposing("80/tcp"), SHARED, {}), ("api", source, conf, run)) == []
