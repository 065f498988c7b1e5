# SPDX-License-Identifier: MIT
"""How much memory and swap, processor time and how many processes a container may have at most.

They become rows of lxc.container.conf in the words of the first version of cgroups, which published devices
obey as well; those of this project write them as memory.max, memory.swap.max, cpu.max and pids.max.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Optional

from ..errors import FormatError

MIB = 1 << 20
MIN_MEMORY, MAX_MEMORY = 6 * MIB, 1 << 50  # docker's least
MAX_CPUS = 1024
MAX_PIDS = 1 << 22  # the kernel's
PERIOD_US = 100_000  # the kernel's own
# What else sets the same.
SETTINGS = {
    "memory": ("memory.max", "memory.limit_in_bytes"),
    "swap": ("memory.swap.max", "memory.memsw.limit_in_bytes"),
    "cpus": ("cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"),
    "pids": ("pids.max",),
}
_MEMORY = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,3}))?(?:([kmgt])i?|)b?", re.IGNORECASE)
_SETTING = re.compile(r"([0-9]{1,16})()([kmgt]?)", re.IGNORECASE)  # as devices read it
_CPUS = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?")
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


@dataclass(frozen=True)
class Resources:
    """``memory`` and ``swap`` in bytes, ``cpus`` in processors; None is without limit."""

    memory: Optional[int] = None
    swap: Optional[int] = None
    cpus: Optional[Decimal] = None
    pids: Optional[int] = None

    def check_alone(self, settings: Iterable[str]) -> None:
        """Raise FormatError where ``settings`` of cgroups limit the same, or where swap is limited alone:
        the first version of cgroups limits the sum.
        """
        if self.swap is not None and self.memory is None:
            raise FormatError(
                "swap is limited, and memory is not", hint="set one of memory, too: --memory, PVR_MEMORY"
            )
        for setting in settings:
            for limit, names in SETTINGS.items():
                if getattr(self, limit) is not None and setting in names:
                    raise FormatError(
                        f"the limit {limit} and the cgroup setting {setting} are about the same",
                        hint="keep one of them",
                    )

    def rows(self) -> Iterator[str]:
        """``<setting> = <value>``, of the first version of cgroups."""
        if self.memory is not None:
            yield f"memory.limit_in_bytes = {self.memory}"
            if self.swap is not None:
                yield f"memory.memsw.limit_in_bytes = {self.memory + self.swap}"
        if self.cpus is not None:
            yield f"cpu.cfs_quota_us = {int(self.cpus * PERIOD_US)}"
            yield f"cpu.cfs_period_us = {PERIOD_US}"
        if self.pids is not None:
            yield f"pids.max = {self.pids}"


def parse_memory(text: str) -> int:
    """Bytes from ``64M``, ``1.5g``, ``512MiB``; units are powers of 1024, as docker's. Raises
    FormatError.
    """
    found = _MEMORY.fullmatch(text)
    size = _bytes(found) if found else 0
    if not MIN_MEMORY <= size <= MAX_MEMORY:
        raise FormatError(
            f'"{text[:40]}" is not an amount of memory from {MIN_MEMORY // MIB} MiB on',
            hint="write a number with a unit, such as 64M or 1.5G",
        )
    return size


def parse_swap(text: str) -> int:
    """Bytes as parse_memory() reads them, or 0. Raises FormatError."""
    return 0 if text == "0" else parse_memory(text)


def parse_cpus(text: str) -> Decimal:
    """Processors, such as ``0.5``. Raises FormatError."""
    cpus = Decimal(text) if _CPUS.fullmatch(text) else Decimal(0)
    if not Decimal("0.01") <= cpus <= MAX_CPUS:
        raise FormatError(
            f'"{text[:40]}" is not a number of processors from 0.01 to {MAX_CPUS}',
            hint="write a number such as 0.5 or 2",
        )
    return cpus


def parse_pids(text: str) -> int:
    """A number of processes and threads. Raises FormatError."""
    count = int(text) if re.fullmatch(r"[0-9]{1,8}", text) else 0
    if not 1 <= count <= MAX_PIDS:
        raise FormatError(
            f'"{text[:40]}" is not a number of processes from 1 to {MAX_PIDS}',
            hint="write a number such as 100",
        )
    return count


def memory_limit(pairs: Iterable[tuple[str, str]]) -> Optional[int]:
    """What the lines of a lxc.container.conf limit the memory to, in whichever words; None: they do
    not. Raises FormatError.
    """
    limit = None
    for key, value in pairs:
        setting = re.sub(r"lxc\.cgroup2?\.", "", key, count=1)
        if setting != key and setting in SETTINGS["memory"]:
            limit = setting_bytes(setting, value)
    return limit


def setting_bytes(setting: str, value: str) -> Optional[int]:
    """Of a setting about memory; None: no limit. Raises FormatError."""
    if value in ("max", "-1"):
        return None
    found = _SETTING.fullmatch(value)
    if found is None:
        raise FormatError(f'{setting} is "{value[:40]}"', hint="write bytes, or a number such as 64M")
    return _bytes(found)


def check_memory(limits: Mapping[str, Optional[int]], memory: int) -> tuple[str, ...]:
    """Raise FormatError where the containers together, by name, may take more than ``memory`` bytes.
    Returns those without a limit.
    """
    given = {name: limit for name, limit in sorted(limits.items()) if limit is not None}
    total = sum(given.values())
    if total > memory:
        each = ", ".join(f"{name} {_shown(limit)}" for name, limit in given.items())
        raise FormatError(
            f"the containers may take {_shown(total)} of memory together, and there are {_shown(memory)} "
            f"for them: {each}",
            hint="lower a limit (PVR_MEMORY), or correct the board's memory (PVROOT_MEMORY)",
        )
    return tuple(sorted(set(limits) - set(given)))


def _bytes(found: re.Match[str]) -> int:
    whole, fraction, unit = found.groups()
    number = Decimal(f"{whole}.{fraction or 0}")
    return int(number * (1 << _UNITS[(unit or "").lower()]))


def _shown(size: int) -> str:
    return f"{size / MIB:.0f} MiB"
