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
# Of the second version, and neither.
_OTHERS = frozenset(["io.latency", "io.prio.class"])
# Of settings of the first version, those of the second.
_COUNTERPARTS = {
    "blkio.bfq.weight": "io.bfq.weight",
    "blkio.throttle.read_bps_device": "io.max",
    "blkio.throttle.read_iops_device": "io.max",
    "blkio.throttle.write_bps_device": "io.max",
    "blkio.throttle.write_iops_device": "io.max",
    "blkio.weight": "io.weight",
    "blkio.weight_device": "io.weight",
    "cpu.cfs_period_us": "cpu.max",
    "cpu.cfs_quota_us": "cpu.max",
    "cpu.shares": "cpu.weight",
    "memory.limit_in_bytes": "memory.max",
    "memory.memsw.limit_in_bytes": "memory.swap.max",
    "memory.soft_limit_in_bytes": "memory.low",
}
# What the second has no more.
_FIRST_ALONE = frozenset([
    "blkio.leaf_weight", "blkio.leaf_weight_device", "cpu.rt_period_us", "cpu.rt_runtime_us",
    "cpuset.cpu_exclusive", "cpuset.mem_exclusive", "cpuset.mem_hardwall", "cpuset.memory_migrate",
    "cpuset.memory_spread_page", "cpuset.memory_spread_slab", "cpuset.sched_load_balance",
    "cpuset.sched_relax_domain_level", "freezer.state", "memory.failcnt", "memory.force_empty",
    "memory.max_usage_in_bytes", "memory.move_charge_at_immigrate", "memory.oom_control",
    "memory.pressure_level", "memory.swappiness", "memory.usage_in_bytes", "memory.use_hierarchy",
    "net_cls.classid", "net_prio.ifpriomap",
])  # fmt: skip
# Words of docker, compose and systemd, and halves of names: what is spelled most like them means another.
_MEANT = {
    "blkio.limit": "io.max",
    "cpu.count": "cpu.max",
    "cpu.cpus": "cpu.max",
    "cpu.limit": "cpu.max",
    "cpu.quota": "cpu.max",
    "io.limit": "io.max",
    "memory.hard_limit": "memory.max",
    "memory.kmem.limit_in_bytes": "memory.max",
    "memory.kmem.tcp.limit_in_bytes": "memory.max",
    "memory.limit": "memory.max",
    "memory.limits": "memory.max",
    "memory.memsw": "memory.swap.max",
    "memory.memsw.limit": "memory.swap.max",
    "memory.reservation": "memory.low",
    "memory.size": "memory.max",
    "memory.soft_limit": "memory.low",
    "memory.swap": "memory.swap.max",
    "memory.swap.limit": "memory.swap.max",
    "misc.limit": "misc.max",
    "pids.limit": "pids.max",
    "rdma.limit": "rdma.max",
}
_LIKENESS = 0.8


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
    known = {*_LIMITS, *_SHARES, *_CLAIMS, *_OTHERS}
    if setting in known or setting.startswith("devices.") or _HUGE_PAGES.fullmatch(setting):
        return None
    meant = _MEANT.get(setting)
    if meant is None and setting not in _FIRST_ALONE:
        meant = names.nearest(setting, known, likeness=_LIKENESS)
    hint = f'use "{meant}"' if meant else "leave it out"
    return f"cgroup 2, which this project's devices have, has nothing like {setting}; {hint}"


def misplaced(setting: str) -> Optional[str]:
    """What is wrong with a setting of the first version in a line that names the second, or None."""
    prefix = "lxc.cgroup2."
    if setting in _FIRST_ALONE:
        return f"{prefix}{setting} is a setting of cgroup 1; leave it out"
    if setting in _COUNTERPARTS:
        return f'{prefix}{setting} is a setting of cgroup 1; use "{prefix}{_COUNTERPARTS[setting]}"'
    return None
