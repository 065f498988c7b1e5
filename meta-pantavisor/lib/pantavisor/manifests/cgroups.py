# SPDX-License-Identifier: MIT
"""Settings of cgroups: which there are, which a device of this project has, and which take only from the
container.

The device has cgroup 2 alone and writes settings of cgroup 1 as their counterparts (``cgroup.c``).
"""

from __future__ import annotations

import re
from typing import Optional

from .. import names

CONTROLLERS = (
    "blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "io", "memory", "misc", "net_cls",
    "net_prio", "perf_event", "pids", "rdma",
)  # fmt: skip
# Whatever their value is, they only bound the container.
_LIMITS = frozenset([
    "blkio.throttle.read_bps_device", "blkio.throttle.read_iops_device", "blkio.throttle.write_bps_device",
    "blkio.throttle.write_iops_device", "cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.max", "cpuset.cpus",
    "cpuset.mems", "io.max", "memory.high", "memory.limit_in_bytes", "memory.max",
    "memory.memsw.limit_in_bytes", "memory.oom.group", "memory.swap.high", "memory.swap.max", "misc.max",
    "pids.max", "rdma.max",
])  # fmt: skip
_HUGE_PAGES = re.compile(r"hugetlb\.[0-9]{1,9}[KMG]B\.(max|limit_in_bytes)")
# Above the kernel's default they take from other containers.
_SHARES = {
    "cpu.shares": 1024,
    "cpu.weight": 100,
    "cpu.weight.nice": 19,
    "io.bfq.weight": 100,
    "io.weight": 100,
}
_SHARE = re.compile(r"[0-9]{1,9}")
# They take from other containers, or from the device:
# protected memory, processors for one alone, urgent requests.
_CLAIMS = frozenset([
    "blkio.bfq.weight", "blkio.weight", "blkio.weight_device", "cpuset.cpus.partition", "memory.low",
    "memory.min", "memory.soft_limit_in_bytes",
])  # fmt: skip


def is_limit(setting: str, value: str) -> bool:
    """Whether it takes nothing from anyone but the container."""
    if setting in _SHARES:
        return _SHARE.fullmatch(value) is not None and int(value) <= _SHARES[setting]
    return setting in _LIMITS or _HUGE_PAGES.fullmatch(setting) is not None


def check(setting: str) -> None:
    """Refuses a setting of an unknown controller, which no device takes. Raises FormatError."""
    controller = setting.partition(".")[0]
    if controller not in CONTROLLERS:
        raise names.unknown(controller, CONTROLLERS, what="controller of cgroups")


def refusal(setting: str) -> Optional[str]:
    """Why a device of this project starts no container with it, or None."""
    known = {*_LIMITS, *_SHARES, *_CLAIMS}
    if (
        setting in known
        or setting.startswith(("devices.", "io.", "memory.swap."))
        or _HUGE_PAGES.fullmatch(setting)
    ):
        return None
    hint = names.hint(setting, known)
    rest = f"; {hint}" if hint else ""
    return f"cgroup 2, which this project's devices have, has nothing like {setting}{rest}"
