# SPDX-License-Identifier: MIT
"""Groups that wait less than their containers may take."""

from __future__ import annotations

from typing import Any

import pytest
from pantavisor import manifests
from pantavisor.factory import waits
from pantavisor.manifests.device import DeviceSpec, Group
from pantavisor.state import State

HEALTH = {"test": ["true"], "interval": 5, "retries": 3, "start_period": 60, "timeout": 5}


def warnings(run: dict[str, Any], *, timeout: int = 30, goal: str = "STARTED") -> list[str]:
    state = State.empty().with_files({"web/run.json": {"name": "web", "group": "app", **run}})
    return list(waits.warnings(state, DeviceSpec.build([Group("app", goal, timeout=timeout)], {})))


def test_a_start_period_that_is_longer_than_the_group_waits_is_warned_of() -> None:
    (warning,) = warnings({"health": HEALTH, "status_goal": "READY"})
    assert warning.startswith("web may take 60 s until its Healthcheck passes")
    assert "its group app waits 30 s" in warning and "group set app --timeout 90" in warning
    # The goal of the group is that of a container without one.
    assert warnings({"health": HEALTH}, goal="READY") == [warning]


@pytest.mark.parametrize(
    ("run", "timeout"),
    [({"health": HEALTH, "status_goal": "READY"}, 61), ({"health": HEALTH, "status_goal": "STARTED"}, 30),
     ({"health": {**HEALTH, "start_period": 0}, "status_goal": "READY"}, 30),
     ({"status_goal": "READY"}, 30), ({"health": HEALTH, "status_goal": "READY"}, 0)],
)  # fmt: skip
def test_what_the_group_waits_for_is_not(run: dict[str, Any], timeout: int) -> None:
    assert warnings(run, timeout=timeout) == []


def test_the_groups_of_the_default_device_are_read() -> None:
    spec = DeviceSpec.parse(manifests.default_device())
    run = {"name": "web", "group": "app", "health": HEALTH, "status_goal": "READY"}
    assert list(waits.warnings(State.empty().with_files({"web/run.json": run}), spec))
