# SPDX-License-Identifier: MIT
"""Limits of containers: what people write, the rows that it becomes, and the sum of all."""

from dataclasses import replace
from pathlib import Path

import pytest
from pantavisor import factory, isolation, jobs, lxc, manifests
from pantavisor.errors import FormatError
from pantavisor.manifests import resources
from sim import built


def rows(**arguments: object) -> list[str]:
    source = manifests.SourceManifest(arguments={"PV_SECURITY_PROFILE": "confined", **arguments})
    conf = lxc.render(manifests.ContainerSpec.from_source("web", source))
    assert not list(isolation.reaches("web", conf))
    return [line for line in conf.splitlines() if "cgroup" in line and "devices" not in line]


def test_limits_are_rows_that_both_versions_of_cgroups_know() -> None:
    found = rows(PV_LIMIT_MEMORY="64M", PV_LIMIT_CPUS="0.5", PV_LIMIT_PIDS="100")
    assert found[:4] == [
        "lxc.cgroup.memory.limit_in_bytes = 67108864",
        "lxc.cgroup.cpu.cfs_quota_us = 50000",
        "lxc.cgroup.cpu.cfs_period_us = 100000",
        "lxc.cgroup.pids.max = 100",
    ]
    assert found[4:] == rows() and rows(PV_LIMIT_MEMORY="") == rows()


@pytest.mark.parametrize(("swap", "both"), [("0", 64 << 20), ("32M", 96 << 20)])
def test_swap_is_limited_beyond_the_memory(swap: str, both: int) -> None:
    found = rows(PV_LIMIT_MEMORY="64M", PV_LIMIT_SWAP=swap)
    assert found[:2] == [
        "lxc.cgroup.memory.limit_in_bytes = 67108864",
        f"lxc.cgroup.memory.memsw.limit_in_bytes = {both}",
    ]
    with pytest.raises(FormatError, match="swap is limited, and memory is not"):
        rows(PV_LIMIT_SWAP=swap)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64M", 64 << 20),
        ("64m", 64 << 20),
        ("64MiB", 64 << 20),
        ("64mb", 64 << 20),
        ("1.5G", 3 << 29),
        ("65536k", 64 << 20),
        ("67108864", 64 << 20),
        ("67108864b", 64 << 20),
        ("1t", 1 << 40),
    ],
)
def test_memory_is_read_as_docker_reads_it(text: str, size: int) -> None:
    assert resources.parse_memory(text) == size


@pytest.mark.parametrize(
    "text", ["", "64", "5M", "lots", "-64M", "64 M", "64MM", "1e9", "٣٢M", "9" * 17, "2048t"]
)
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="is not an amount of memory") as caught:
        resources.parse_memory(text)
    assert caught.value.hint == "write a number with a unit, such as 64M or 1.5G"


@pytest.mark.parametrize("text", ["0", "0.001", "-1", "1,5", "2000", "1.2345", "half", "٣", ".5"])
def test_what_is_no_number_of_processors_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="is not a number of processors"):
        rows(PV_LIMIT_CPUS=text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "4194305", "many", "٣"])
def test_what_is_no_number_of_processes_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="argument PV_LIMIT_PIDS: .* is not a number of processes"):
        rows(PV_LIMIT_PIDS=text)


@pytest.mark.parametrize(
    ("limit", "other"),
    [
        ({"PV_LIMIT_MEMORY": "64M"}, {"PVR_LXC_CGROUP_V1": ["memory.limit_in_bytes = 32M"]}),
        ({"PV_LIMIT_MEMORY": "64M"}, {"PV_LXC_EXTRA_CONF": "lxc.cgroup2.memory.max = 32M"}),
        ({"PV_LIMIT_MEMORY": "64M", "PV_LIMIT_SWAP": "0"},
         {"PVR_LXC_CGROUP_V1": ["memory.memsw.limit_in_bytes = 64M"]}),
        ({"PV_LIMIT_CPUS": "1"}, {"PVR_LXC_CGROUP_V1": ["cpu.cfs_quota_us=1000"]}),
        ({"PV_LIMIT_PIDS": "9"}, {"PV_LXC_EXTRA_CONF": " lxc.cgroup.pids.max = 8"}),
    ],
)
def test_a_limit_is_given_once(limit: dict, other: dict) -> None:
    with pytest.raises(FormatError, match="are about the same"):
        rows(**limit, **other)


@pytest.mark.parametrize("value", ["lots", "64MiB", "1.5G", "-2", "1 2"])
def test_a_setting_about_memory_that_no_device_reads_is_refused(value: str) -> None:
    for setting in resources.SETTINGS["memory"]:
        with pytest.raises(FormatError, match=f'{setting} is "'):
            rows(PVR_LXC_CGROUP_V1=[f"{setting} = {value}"])


def test_whole_lines_without_a_counterpart_are_warned_of_as_well() -> None:
    source = manifests.SourceManifest(arguments={"PV_LXC_EXTRA_CONF": "lxc.cgroup.memory.swappiness = 0"})
    (warning,) = manifests.ContainerSpec.from_source("web", source).warnings
    assert "has nothing like memory.swappiness" in warning


@pytest.mark.parametrize(
    ("lines", "limit"),
    [
        ([], None),
        ([("lxc.cgroup.memory.limit_in_bytes", "64M")], 64 << 20),
        ([("lxc.cgroup2.memory.max", "67108864")], 64 << 20),
        ([("lxc.cgroup2.memory.max", "max")], None),
        ([("lxc.cgroup.memory.limit_in_bytes", "1M"), ("lxc.cgroup.memory.limit_in_bytes", "2m")], 2 << 20),
        ([("lxc.cgroup.memory.memsw.limit_in_bytes", "1M"), ("lxc.environment", "memory.max=1")], None),
    ],
)
def test_the_limit_of_memory_is_found_in_whichever_words(lines: list, limit: object) -> None:
    assert resources.memory_limit(lines) == limit


def test_containers_that_do_not_fit_into_the_board_are_named_with_their_limits() -> None:
    given = {"web": 600 << 20, "db": 500 << 20, "tool": None}
    with pytest.raises(FormatError) as caught:
        resources.check_memory(given, 1 << 30)
    assert caught.value.message == (
        "the containers may take 1100 MiB of memory together, and there are 1024 MiB for them: "
        "db 500 MiB, web 600 MiB"
    )
    assert resources.check_memory(given, 1100 << 20) == ("tool",)


def test_an_image_whose_containers_do_not_fit_into_the_board_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.sources(tmp_path / "given")
    more = {name: dict(values) for name, values in built.CONTAINERS.items()}
    for values in more.values():
        values["arguments"] = {**values["arguments"], "PV_LIMIT_MEMORY": "64M"}
    monkeypatch.setattr(built, "CONTAINERS", more)
    made = tmp_path / "made"
    made.mkdir()
    *exports, root = built.all_jobs(tmp_path / "given", made)
    assert isinstance(root, jobs.BuildRoot)
    for job in exports:
        built.run(job)
    with pytest.raises(FormatError, match="may take 128 MiB of memory together, and there are 100 MiB"):
        factory.build(replace(root, memory=100 << 20))
    assert not root.output.exists()
    said: list[str] = []
    factory.build(replace(root, memory=128 << 20), warn=said.append)
    assert root.output.exists() and not said
    built.run(replace(exports[0], arguments={"PV_GROUP": "app"}))
    factory.build(replace(root, memory=100 << 20), warn=said.append)
    assert said == ["without a limit of memory (PVR_MEMORY), so the sum is not known: web"]
