# SPDX-License-Identifier: MIT
"""A finished disk image, damaged in one place after the other: the verifier refuses every one, and names
the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pantavisor import audit
from sim import built, mutations
from sim.damage import Bench
from sim.mutations import Case


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("built")
    built.sources(folder / "given")
    for job in built.all_jobs(folder / "given", folder):
        built.run(job)
    bench = Bench(folder / "device.img", folder / "copy.img", (folder / "given/keys/ca.crt").read_bytes())
    assert bench.findings() == []
    return bench


def test_image_is_that_of_a_whole_device(bench: Bench) -> None:
    report = audit.verify(bench.copy, trust=bench.trust, strict=True)
    counts = {
        name: report.checked[name] for name in ("containers", "signatures", "squashfs", "verity trees")
    }
    assert counts == {"containers": 2, "signatures": 3, "squashfs": 3, "verity trees": 1}
    assert {"device.json", "bsp/modules.squashfs", "safe/_dm/root.squashfs.json"} <= set(bench.state)


@pytest.mark.parametrize(
    "cases, least",
    [
        (mutations.objects, 10 * 5),
        (mutations.files, 400),
        (mutations.keys, 80),
        (mutations.values, 500),
        (mutations.signatures, 300),
        (mutations.partition_tables, 400),
        (mutations.boot_files, 300),
        (mutations.super_block, 140),
        (mutations.inodes, 150),
    ],
)
def test_every_damage_is_refused_by_name(
    bench: Bench, cases: Callable[[Bench], Iterator[Case]], least: int
) -> None:
    count, missed = mutations.undetected(bench, cases(bench))
    assert missed == []
    assert count >= least


def test_every_link_that_is_none_is_refused_by_name(bench: Bench, tmp_path: Path) -> None:
    count, missed = mutations.undetected(bench, mutations.links(bench, tmp_path))
    assert missed == []
    # Three ways for every object that the state names, and for kernel and initramfs below .pv/.
    assert count == 3 * (len(bench.state.objects()) + 2)


def test_bench_mends_what_it_damages(bench: Bench) -> None:
    assert bench.findings() == []
    assert bench.copy.read_bytes() == bench.image.read_bytes()


def test_notes_are_free_as_the_format_leaves_them_unsigned(bench: Bench) -> None:
    note = {**bench.state["web/src.json"], "template": "other"}  # type: ignore[dict-item]
    bench.put_state({**bench.state, "web/src.json": note}, checked_out=True)
    assert bench.findings() == []
    bench.restore()
