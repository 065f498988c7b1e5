# SPDX-License-Identifier: MIT
"""The device's table of what is confined, held against the library's."""

from __future__ import annotations

from pathlib import Path

import pytest
from pantavisor import isolation, lxc, manifests

RUNTIME = Path(__file__).resolve().parents[2] / "meta-pantavisor/recipes-pv/pantavisor/pantavisor"
_, BASE, CASES = (RUNTIME / "test/vectors/isolation.txt").read_text().split("\n\n", 2)


def changed(changes: list[str]) -> str:
    conf = BASE + "\n"
    for change in changes:
        if change[0] == "-":
            assert f"\n{change[1:]}\n" in f"\n{conf}"
            conf = f"\n{conf}".replace(f"\n{change[1:]}\n", "\n", 1)[1:]
        else:
            conf += change[1:] + "\n"
    return conf


@pytest.mark.parametrize("case", CASES.splitlines())
def test_the_table_of_the_device_is_the_librarys(case: str) -> None:
    verdict, *changes = case.split("|")
    assert (not list(isolation.reaches("web", changed(changes)))) is (verdict == "confined")


def conf(**arguments: object) -> str:
    source = manifests.SourceManifest(image_config={"Volumes": {"/data": {}}}, arguments=arguments)
    return lxc.render(manifests.ContainerSpec.from_source("web", source))


def test_what_is_rendered_as_confined_is_confined() -> None:
    found = isolation.isolation("web", conf(PV_SECURITY_PROFILE="confined"), {"profile": "confined"})
    assert found.is_confined and str(found) == "confined"
    for arguments in ({"PV_DEBUG_MODE": "yes"}, {"PV_LXC_NETWORK_TYPE": "veth"}, {"PV_LXC_DISABLE_CONSOLE": "yes"}):
        assert not list(isolation.reaches("web", conf(PV_SECURITY_PROFILE="confined", **arguments)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "all capabilities"),
        ({"PV_SECURITY_PROFILE": "confined", "PV_SECURITY_CAP_ADD": "net_admin"}, "lxc.cap.keep = net_admin"),
        ({"PV_SECURITY_PROFILE": "confined", "PV_SECURITY_NEW_PRIVS": "yes"}, "programs may gain privileges"),
        ({"PV_SECURITY_PROFILE": "confined", "PV_SECURITY_WITH_HOST": "yes"}, "lxc.mount.entry = / host"),
        ({"PV_SECURITY_PROFILE": "confined", "PV_VOLUME_IMPORTS": "db:/x:mnt"}, "lxc.mount.entry = /volumes/db/"),
        ({"PV_SECURITY_PROFILE": "confined", "PVR_LXC_CGROUP_DEVICES_WHITE": ["b 8:0 r"]}, "devices.allow = b 8:0 r"),
    ],
)
def test_what_a_container_has_besides_is_named(arguments: dict, said: str) -> None:
    assert said in str(isolation.isolation("web", conf(**arguments), {"profile": "confined"}))


def test_the_published_profile_has_everything() -> None:
    found = str(isolation.isolation("web", conf(), {}))
    for word in ("all capabilities", "all devices", "sys:rw", "programs may gain privileges", "all system calls"):
        assert word in found
