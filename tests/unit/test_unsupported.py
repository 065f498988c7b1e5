# SPDX-License-Identifier: MIT
"""What only published devices have is warned of where an image is made."""

from __future__ import annotations

from typing import Any

import pytest
from pantavisor import manifests
from pantavisor.factory import unsupported
from pantavisor.manifests.device import DeviceSpec
from pantavisor.state import State

DISK = {"name": "secret", "type": "dm-crypt-versatile", "path": "/storage/secret.img,8,key"}
DEFAULT = {**DISK, "default": "yes"}


def warnings(run: dict[str, Any], device: dict[str, Any]) -> list[str]:
    state = State.empty().with_files({"web/run.json": {"name": "web", "group": "app", **run}})
    return list(unsupported.warnings(state, DeviceSpec.parse({**manifests.default_device(), **device})))


@pytest.mark.parametrize("member", ["disks", "disks_v2", "disks_v3"])
def test_a_default_disk_is_warned_of(member: str) -> None:
    (warning,) = warnings({}, {member: [DEFAULT]})
    assert warning.startswith("secret is the default disk") and "pvr device disk rm secret" in warning


def test_a_container_that_needs_a_disk_or_a_pool_is_named() -> None:
    run = {
        "network": {"pool": "internal"},
        "storage": {"data": {"disk": "secret", "persistence": "permanent"}},
    }
    disk, pool = warnings(run, {})
    assert disk.startswith("web needs the disk secret") and pool.startswith("web needs the pool internal")


@pytest.mark.parametrize("network", [{"mode": "pool"}, {"mode": "none"}, {"mode": "host", "pool": None}])
def test_a_container_whose_network_is_not_that_of_the_device_is_named(network: dict[str, Any]) -> None:
    (warning,) = warnings({"network": network}, {})
    assert warning.startswith("web needs a network of its own") and "runs no such state" in warning


def test_a_container_that_requires_services_or_drivers_is_named() -> None:
    run = {"services": {"required": [{"name": "bus"}]}, "drivers": {"required": ["wifi"]}}
    services, drivers = warnings(run, {})
    assert services.startswith("web requires services") and drivers.startswith("web requires drivers")


def test_what_nothing_uses_is_not() -> None:
    pools = {"pools": {"internal": {"type": "bridge", "subnet": "10.0.5.0/24"}}}
    run = {
        "network": {"mode": "host"},
        "storage": {"data": {"persistence": "permanent"}},
        "drivers": {"manual": ["x"], "optional": ["wifi"], "required": []},
        "services": {"optional": [{"name": "bus"}]},
    }
    assert warnings(run, {"network": pools, "disks": [DISK]}) == []
