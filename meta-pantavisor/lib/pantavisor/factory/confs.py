# SPDX-License-Identifier: MIT
"""What LXC reads of the containers of a state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from .. import lxc
from ..objects import ObjectPool
from ..state import State


def conf(state: State, pool: ObjectPool, name: str) -> Optional[str]:
    """lxc.container.conf of the container ``name``; None of one that runs nothing."""
    run = state.get(f"{name}/run.json")
    file = run.get("config") if isinstance(run, Mapping) else None
    object_id = state.objects().get(f"{name}/{file}")
    if object_id is None:
        return None
    with pool.path(object_id).open("rb") as stream:
        return stream.read(lxc.MAX_BYTES).decode("utf-8", "replace")
