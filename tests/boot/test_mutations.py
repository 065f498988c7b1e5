# SPDX-License-Identifier: MIT
"""The image that the quickstart builds, damaged in one place after the other: the verifier refuses it by
name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pantavisor import trail
from place import TRUST
from sim import mutations
from sim.damage import Bench
from sim.mutations import Case


@pytest.fixture(scope="module")
def bench(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    made = Bench(image, tmp_path_factory.mktemp("bench") / "copy.img", TRUST.read_bytes())
    assert made.findings() == []
    return made


# Every place of an image is damaged in tests/hostile, on a smaller one; here some of each kind.
@pytest.mark.parametrize(
    "cases, every",
    [
        (mutations.objects, 1),
        (mutations.files, 7),
        (mutations.keys, 1),
        (mutations.values, 5),
        (mutations.signatures, 5),
        (mutations.partition_tables, 7),
        (mutations.boot_files, 5),
        (mutations.super_block, 5),
        (mutations.inodes, 5),
    ],
)
def test_damage_is_refused_by_name(
    bench: Bench, cases: Callable[[Bench], Iterator[Case]], every: int
) -> None:
    count, missed = mutations.undetected(bench, cases(bench), every=every)
    assert missed == []
    assert count > 20


def test_every_link_that_is_none_is_refused_by_name(bench: Bench, tmp_path: Path) -> None:
    count, missed = mutations.undetected(bench, mutations.links(bench, tmp_path))
    assert missed == []
    assert count == 3 * (len(bench.state.objects()) + len(trail.boot_files(bench.state)))
