# SPDX-License-Identifier: MIT
"""Whether groups wait as long as their containers may take to be READY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..manifests.device import DeviceSpec
from ..state import State


def warnings(state: State, device: DeviceSpec) -> Iterator[str]:
    """Of each container whose health check is given more time for its first success than its group waits:
    the device takes a start for a failed one that the image takes for a slow one.
    """
    groups = {group["name"]: group for group in device.document["groups"]}
    for name in state.container_names():
        run = state[f"{name}/run.json"]
        if not isinstance(run, Mapping):
            continue
        health, group = run.get("health"), groups.get(str(run.get("group")), {})
        goal = run.get("status_goal") or group.get("status_goal")
        period = health.get("start_period", 0) if isinstance(health, Mapping) else 0
        if goal == "READY" and 0 < group.get("timeout", 0) <= period:
            yield (
                f"{name} may take {period} s until its Healthcheck passes (its start period), and its "
                f"group {group['name']} waits {group['timeout']} s: give the group more by "
                f"pvr device group set {group['name']} --timeout {period + 30} (PVR_DEVICE_JSON)"
            )
