# SPDX-License-Identifier: MIT
"""The device's table of what is confined, held against the library's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pantavisor import isolation, lxc, manifests
from pantavisor.errors import FormatError
from pantavisor.manifests import cgroups

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


def test_settings_that_the_device_has_are_the_librarys() -> None:
    rows = (RUNTIME / "src/cgroup.c").read_text().partition("} rows[] = {")[2].partition("\n};")[0]
    names = {
        name + "max" * name.endswith(".") for name in re.findall(r'^\t\{"([a-z_.]+)"', rows, re.MULTILINE)
    }
    names |= {
        "cpu.cfs_quota_us",
        "cpu.cfs_period_us",
        "memory.limit_in_bytes",
        "memory.memsw.limit_in_bytes",
    }
    names |= {"hugetlb.2MB.limit_in_bytes"}
    assert len(names) > 25 and not [name for name in names if cgroups.refusal(name)]
    # Those of the second version that a line of the first names are adapted as well; others the device
    # refuses.
    for name in ("memory.swappiness", "net_cls.classid", "cpu.rt_runtime_us", "memory.limit_in_byte"):
        assert cgroups.refusal(name) and name not in names


def test_a_setting_of_no_controller_is_refused_and_an_odd_one_warned_of() -> None:
    with pytest.raises(FormatError, match='unknown controller of cgroups "memori"') as found:
        conf(PVR_LXC_CGROUP_V1=["memori.max = 1"])
    assert found.value.hint == 'use "memory"'
    for setting in ("foo.bar=1", "cgroup.procs = 1", "dir = lxc/db", "relative = 1"):
        with pytest.raises(FormatError, match="unknown controller of cgroups"):
            conf(PVR_LXC_CGROUP_V1=[setting])
    conf(PVR_LXC_CGROUP_V1=["hugetlb.2MB.limit_in_bytes = 0"])
    source = manifests.SourceManifest(
        arguments={"PVR_LXC_CGROUP_V1": ["memory.limit_in_byte = 64M", "pids.max = 9"]}
    )
    (warning,) = manifests.ContainerSpec.from_source("web", source).warnings
    assert 'memory.limit_in_byte; use "memory.limit_in_bytes"' in warning


@pytest.mark.parametrize(
    ("setting", "meant"),
    [("memory.limit", "memory.max"), ("memory.hard_limit", "memory.max"),
     ("memory.swap", "memory.swap.max"), ("memory.memsw", "memory.swap.max"),
     ("memory.swap.limit", "memory.swap.max"),
     ("memory.reservation", "memory.low"), ("memory.kmem.limit_in_bytes", "memory.max"),
     ("cpu.limit", "cpu.max"), ("cpu.share", "cpu.shares"), ("pids.limit", "pids.max"),
     ("blkio.limit", "io.max"), ("io.limit", "io.max"), ("memory.Max", "memory.max")],
)  # fmt: skip
def test_a_setting_that_does_not_exist_is_answered_by_what_is_meant(setting: str, meant: str) -> None:
    assert str(cgroups.refusal(setting)).endswith(f'has nothing like {setting}; use "{meant}"')
    assert cgroups.refusal(meant) is None


@pytest.mark.parametrize(
    "setting",
    ["memory.swappiness", "memory.oom_control", "memory.use_hierarchy", "memory.failcnt",
     "cpu.rt_runtime_us", "cpuset.cpu_exclusive", "blkio.leaf_weight", "net_cls.classid", "freezer.state",
     "memory.current"],
)  # fmt: skip
def test_a_setting_without_a_counterpart_is_to_be_left_out(setting: str) -> None:
    assert str(cgroups.refusal(setting)).endswith(f"has nothing like {setting}; leave it out")


def test_a_line_of_cgroup_2_in_the_words_of_cgroup_1_is_warned_of() -> None:
    lines = ("memory.limit_in_bytes = 64M", "cpu.weight = 50", "cpu.shares = 9")
    source = manifests.SourceManifest(
        arguments={"PV_LXC_EXTRA_CONF": "\n".join(f"lxc.cgroup2.{line}" for line in lines)}
    )
    assert manifests.ContainerSpec.from_source("web", source).warnings == (
        'web: lxc.cgroup2.memory.limit_in_bytes is a setting of cgroup 1; use "lxc.cgroup2.memory.max"',
        'web: lxc.cgroup2.cpu.shares is a setting of cgroup 1; use "lxc.cgroup2.cpu.weight"',
    )


def conf(**arguments: object) -> str:
    source = manifests.SourceManifest(image_config={"Volumes": {"/data": {}}}, arguments=arguments)
    return lxc.render(manifests.ContainerSpec.from_source("web", source))


def test_what_is_rendered_as_confined_is_confined() -> None:
    found = isolation.isolation("web", conf(PV_SECURITY_PROFILE="confined"), {"profile": "confined"})
    assert found.is_confined and str(found) == "confined"
    for arguments in (
        {"PV_DEBUG_MODE": "yes"},
        {"PV_LXC_NETWORK_TYPE": "veth"},
        {"PV_LXC_DISABLE_CONSOLE": "yes"},
    ):
        assert not list(isolation.reaches("web", conf(PV_SECURITY_PROFILE="confined", **arguments)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "all capabilities"),
        (
            {"PV_SECURITY_PROFILE": "confined", "PV_SECURITY_CAP_ADD": "net_admin"},
            "lxc.cap.keep = net_admin",
        ),
        (
            {"PV_SECURITY_PROFILE": "confined", "PV_SECURITY_NEW_PRIVS": "yes"},
            "programs may gain privileges",
        ),
        ({"PV_SECURITY_PROFILE": "confined", "PV_SECURITY_WITH_HOST": "yes"}, "lxc.mount.entry = / host"),
        (
            {"PV_SECURITY_PROFILE": "confined", "PV_VOLUME_IMPORTS": "db:/x:mnt"},
            "lxc.mount.entry = /volumes/db/",
        ),
        (
            {"PV_SECURITY_PROFILE": "confined", "PVR_LXC_CGROUP_DEVICES_WHITE": ["b 8:0 r"]},
            "devices.allow = b 8:0 r",
        ),
    ],
)
def test_what_else_a_container_has_is_named(arguments: dict, said: str) -> None:
    assert said in str(isolation.isolation("web", conf(**arguments), {"profile": "confined"}))


def test_the_published_profile_has_everything() -> None:
    found = str(isolation.isolation("web", conf(), {}))
    for word in (
        "all capabilities",
        "all devices",
        "sys:rw",
        "programs may gain privileges",
        "all system calls",
    ):
        assert word in found
