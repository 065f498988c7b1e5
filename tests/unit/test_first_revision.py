# SPDX-License-Identifier: MIT
"""Exports become one state, and what is likely a mistake about them is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from pantavisor import export, factory
from pantavisor.errors import FormatError
from pantavisor.factory.first_revision import has_network
from pantavisor.objects import ObjectPool
from pantavisor.state import State, Value


@pytest.fixture
def pool(tmp_path: Path) -> ObjectPool:
    return ObjectPool(tmp_path / "objects")


def part(name: str, **files: Value) -> State:
    run = {"#spec": "service-manifest-run@1", "name": name}
    more = {f"{name}/{path}": value for path, value in files.items()}
    return State.empty().with_files({f"{name}/run.json": run, **more})


def test_two_recipes_of_one_container_are_both_named(pool: ObjectPool, tmp_path: Path) -> None:
    paths = [tmp_path / f"{recipe}.pvrexport.tgz" for recipe in ("one", "other")]
    for path in paths:
        export.write(path, part("web"), pool)
    with pytest.raises(FormatError, match="^one and other both make web\n") as caught:
        factory.assemble(paths, pool)
    assert caught.value.hint and "PVR_CONTAINER" in caught.value.hint


@pytest.mark.parametrize(
    ("lines", "configures"),
    [
        (["lxc.namespace.keep = user  net  ipc"], True),
        (["lxc.namespace.keep = user net", "lxc.cap.keep = kill", "lxc.cap.keep = net_admin"], True),
        (["lxc.namespace.keep = user net", "lxc.cap.keep = kill"], False),
        (["lxc.namespace.keep = user net", "lxc.cap.drop = net_admin sys_time"], False),
        (["lxc.namespace.keep = user", "lxc.net.0.type = veth"], False),
        (["lxc.namespace.keep = user", "lxc.net.0.type = phys"], True),
        (["lxc.net.0.type = none"], True),
    ],
)
def test_a_network_needs_a_container_with_the_right_to_it(
    lines: list[str], configures: bool, pool: ObjectPool
) -> None:
    conf = pool.put_bytes("\n".join(lines).encode())
    run = {"config": "lxc.container.conf"}
    state = part("web", **{"run.json": run, "lxc.container.conf": conf})
    assert has_network(state, pool) is configures
    assert not has_network(part("web"), pool)
