# SPDX-License-Identifier: MIT
"""Options of lxc.container.conf that no other manifest knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Optional

from .. import names
from ..errors import FormatError
from . import cgroups, resources
from .members import AUTO_CGROUP, AUTO_PROC, AUTO_SYS, CAPABILITIES, NAMESPACES, check_word
from .mounts import check_target
from .rights import CAPABILITIES as CONFINED_CAPABILITIES
from .rights import CONFINED, DEVICES, MOUNTS, PROFILES, PUBLISHED

MAX_TERMINALS = 65536
_DEVICE = re.compile(r"a|[abc] ([0-9]+|\*):([0-9]+|\*)( [rwm]{1,3})?")
_CGROUP = re.compile(r"[a-z0-9_.BGKM]+ *= *\S[^\r\n]*")
_RAW = re.compile(r"[ \t]*(#[^\r]*|lxc\.[A-Za-z0-9_.]+[ \t]*=[^\r]*)?")
# liblxc ends a line at each of them.
LINE_ENDS = frozenset("\n\r\0")


# What a key of LXC 4 to 6 begins with; lxc.container.conf(5).
LXC_KEYS = frozenset(
    "apparmor arch autodev cap cgroup cgroup2 console environment ephemeral execute group hook hooks idmap "
    "include init keyring log monitor mount namespace net no_new_privs prlimit proc pty rootfs sched "
    "seccomp selinux signal start sysctl time tty uts".split()
)


@dataclass(frozen=True)
class LxcOptions:
    """Rows of lxc.container.conf. ``devices`` and ``cgroups`` are for the first version of cgroups. What
    ``proc``, ``sys``, ``cgroup`` and ``cap_keep`` leave open, the profile decides; ``cap_add`` and
    ``devices`` add to it.

    ``full_dev``, ``host``, ``host_proc`` and ``storage`` mount what is the device's into the container.
    ``raw`` are whole lines, the last resort.
    """

    profile: str = PUBLISHED
    new_privs: bool = False
    tty_max: int = 8
    pty_max: int = 1024
    debug: bool = False
    devices: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    namespaces: Optional[tuple[str, ...]] = None
    console: bool = True
    proc: Optional[str] = None
    sys: Optional[str] = None
    cgroup: Optional[str] = None
    autodev: bool = True
    full_dev: bool = False
    host: bool = False
    host_proc: bool = False
    storage: bool = False
    run_tmpfs: bool = True
    run_tmpfs_path: str = "run"
    resolv_conf: bool = True
    resolv_conf_path: str = "etc/resolv.conf"
    cap_drop: tuple[str, ...] = ()
    cap_keep: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    raw: str = ""

    def __post_init__(self) -> None:
        for number in (self.tty_max, self.pty_max):
            _check_terminals(number)
        for item in self.environment:
            _check_assignment(item)
        _check_once(self.environment)
        for path in (self.run_tmpfs_path, self.resolv_conf_path):
            check_target(path)
        self._check_words()
        _check_lines(self.devices, _DEVICE, "a device", "write one such as c 1:3 rwm")
        _check_cgroups(self.cgroups)
        _check_raw(self.raw)

    def _check_words(self) -> None:
        check_word(self.profile, PROFILES, "profile")
        for word in self.namespaces or ():
            check_word(word, NAMESPACES, "namespace")
        for word, known in zip(self.mounts, (AUTO_PROC, AUTO_SYS, AUTO_CGROUP)):
            check_word(word, known, f"mount mode of {known[0]}:")
        for capability in (*self.cap_drop, *self.cap_keep, *self.cap_add):
            if not (capability.isdigit() or capability == "none" and capability in self.cap_keep):
                check_word(capability, CAPABILITIES, "capability")
        for capability in sorted({*self.cap_drop} & {*self.cap_add}):
            raise FormatError(
                f"the capability {capability} is both added and dropped", hint="keep one of them"
            )

    @property
    def is_confined(self) -> bool:
        return self.profile == CONFINED

    @property
    def mounts(self) -> tuple[str, ...]:
        """The words of lxc.mount.auto: for proc, sys and cgroup."""
        asked = (self.proc, self.sys, self.cgroup)
        return tuple(word or usual for word, usual in zip(asked, MOUNTS[self.profile]))

    @property
    def allowed_devices(self) -> tuple[str, ...]:
        """Rules of the device filter; none means no filter."""
        return (*DEVICES, *self.devices) if self.is_confined else self.devices

    @property
    def kept_capabilities(self) -> tuple[str, ...]:
        """The only ones that a confined container has; sorted."""
        kept = {*(self.cap_keep or CONFINED_CAPABILITIES), *self.cap_add} - set(self.cap_drop)
        return tuple(sorted(kept - {"none"})) or ("none",)

    @property
    def cgroup1_settings(self) -> tuple[str, ...]:
        """Those in the words of the first version of cgroups, of whole lines too."""
        given = tuple(item.partition("=")[0].rstrip() for item in self.cgroups)
        return (*given, *self._raw_keys("lxc.cgroup."))

    @property
    def cgroup2_settings(self) -> tuple[str, ...]:
        return self._raw_keys("lxc.cgroup2.")

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        """Whole lines with which no LXC starts a container; ``lxc.`` is left out."""
        return tuple(key for key in self._raw_keys("lxc.") if key.partition(".")[0] not in LXC_KEYS)

    @property
    def sets_network(self) -> bool:
        return bool(self._raw_keys("lxc.net."))

    def _raw_keys(self, family: str) -> tuple[str, ...]:
        keys = (line.partition("=")[0].strip() for line in self.raw.split("\n"))
        return tuple(key[len(family) :] for key in keys if key.startswith(family))


def clean_capability(text: str) -> str:
    """As LXC writes it: lower case, without ``CAP_``."""
    word = text.lower()
    return word[len("cap_") :] if word.startswith("cap_") else word


def _check_terminals(number: int) -> None:
    if not 0 <= number <= MAX_TERMINALS:
        raise FormatError(
            f"{str(number)[:80]} is not a number of terminals", hint=f"use 0 to {MAX_TERMINALS}"
        )


def _check_assignment(item: str) -> None:
    if not item.partition("=")[0] or "=" not in item:
        raise FormatError(
            f'"{item[:80]}" is not NAME=value', hint="give a value with commas as an item of a list"
        )


def _check_once(items: Sequence[str]) -> None:
    """Of two values of one variable one would be lost."""
    found: dict[str, str] = {}
    for item in items:
        name, _, value = item.partition("=")
        if found.setdefault(name, value) != value:
            raise FormatError(
                f'the environment has {name} twice, as "{found[name][:80]}" and as "{value[:80]}"',
                hint="keep one of them",
            )


def _check_cgroups(items: Sequence[str]) -> None:
    example = "write one such as memory.limit_in_bytes = 64M"
    _check_lines(items, _CGROUP, "a cgroup setting", example)
    for item in items:
        setting, _, value = (word.strip() for word in item.partition("="))
        cgroups.check(setting)
        if setting in resources.SETTINGS["memory"]:
            resources.setting_bytes(setting, value)


def _check_raw(text: str) -> None:
    example = "write one such as lxc.prlimit.nofile = 1024"
    _check_lines(text.split("\n"), _RAW, "a line of LXC configuration", example)
    if not names.has_bytes(text):
        raise FormatError("the lines of LXC configuration contain an unpaired surrogate")


def _check_lines(lines: Iterable[str], pattern: re.Pattern[str], what: str, hint: str) -> None:
    for line in lines:
        if not pattern.fullmatch(line):
            raise FormatError(f'"{line[:80]}" is not {what}', hint=hint)
