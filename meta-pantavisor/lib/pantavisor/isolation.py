# SPDX-License-Identifier: MIT
"""Whether a lxc.container.conf keeps its container within the confined profile, or reaches the device.

It reaches by more capabilities or device nodes, by what it mounts, by programs that run outside (hooks), by
files that it includes. The table lists what is harmless; all else reaches. The device has the same table
(``isolation.c``), and ``isolation.txt`` among its test vectors holds both against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .manifests import cgroups
from .manifests.rights import CAPABILITIES, CONFINED, DEVICES, NET_SETTINGS, READ_ONLY

MAX_SHOWN = 8
MANAGEMENT = "mgmt"
_LINE_END = re.compile(r"[\n\r]")
_BLANKS = re.compile(r"[ \t]+")
_KEPT = frozenset([*CAPABILITIES, "none"])
_DEVICES = frozenset(DEVICES)
_MASKED = frozenset([*READ_ONLY, NET_SETTINGS])
_AUTO = frozenset(
    ["proc", "proc:mixed", "sys", "sys:mixed", "sys:ro", "cgroup", "cgroup:mixed", "cgroup:ro",
     "cgroup:mixed:force", "cgroup:ro:force"]
)  # fmt: skip
_NAMESPACES = frozenset(["user", "net"])
_NETWORKS = frozenset(["empty", "veth", "none"])
_NET_KEY = re.compile(
    r"lxc\.net\.[0-9]+\.(type|link|flags|name|hwaddr|mtu|ipv[46]\.address|ipv[46]\.gateway)"
)
# They would change an existing mount, or let mounts out.
_BAD_OPTIONS = frozenset(["remount", "move", "shared", "rshared", "private", "rprivate", "slave", "rslave"])
# Real-time scheduling starves what has none.
_URGENT = frozenset(["lxc.prlimit.nice", "lxc.prlimit.rtprio"])
_HARMLESS = frozenset([
    "lxc.cap.drop", "lxc.tty.max", "lxc.pty.max", "lxc.log.file", "lxc.log.level", "lxc.init.cmd",
    "lxc.init.cwd", "lxc.init.uid", "lxc.init.gid", "lxc.init.groups", "lxc.environment", "lxc.signal.halt",
    "lxc.signal.reboot", "lxc.signal.stop", "lxc.uts.name", "lxc.autodev", "lxc.no_new_privs",
])  # fmt: skip


@dataclass(frozen=True)
class Isolation:
    """``reaches``: the lines, or what is missing, by which the container reaches the device.
    ``lacks``: what else of the confined profile it does without.
    """

    reaches: tuple[str, ...]
    lacks: tuple[str, ...]

    @property
    def is_confined(self) -> bool:
        return not self.reaches and not self.lacks

    def __str__(self) -> str:
        found = (*self.reaches, *self.lacks)
        more = f" and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
        return "; ".join(found[:MAX_SHOWN]) + more or CONFINED


def isolation(container: str, conf: str, run: Mapping[str, Any]) -> Isolation:
    """What ``conf`` and run.json of the container set."""
    no_new_privs = [value for key, value in pairs(conf) if key == "lxc.no_new_privs"]
    lacks = [] if no_new_privs[-1:] == ["1"] else ["programs may gain privileges"]
    if run.get("profile") != CONFINED:
        lacks.append("all system calls")
    return Isolation((*reaches(container, conf), *reaching_roles(run)), tuple(lacks))


def pairs(conf: str) -> Iterator[tuple[str, str]]:
    """The lines as LXC splits them; one without ``=`` has it all as its key."""
    for line in _LINE_END.split(conf):
        line = line.lstrip(" \t\r").rstrip(" \t\n\v\f\r")
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            yield key.rstrip(" \t\n\v\f\r"), value.lstrip(" \t\r")


def reaches(container: str, conf: str) -> Iterator[str]:
    """By what the configuration reaches the device; nothing if it is confined."""
    found = list(pairs(conf))
    for key, value in found:
        # An empty value takes back what stood before it.
        judge = _judge(key)
        if not value or judge is None or not judge(container, key, value):
            yield f"{key} = {value}"[:200]
    if not any(key == "lxc.cap.keep" for key, _ in found):
        yield "all capabilities"
    if any(key.startswith("lxc.net.") and value == "none" for key, value in found) and not any(
        key == "lxc.namespace.keep" for key, _ in found
    ):
        # LXC's monitor is in that network too, and its socket takes commands that lift the list of devices.
        yield "the network of its monitor"
    rules = {key.rpartition(".")[0] for key, _ in found if _is_device_rule(key)}
    denied = {
        key.rpartition(".")[0]
        for key, value in found
        if _is_device_rule(key) and key.endswith(".deny") and value == "a"
    }
    if not rules or rules != denied:
        yield "all devices"


def is_in_device_network(conf: str) -> bool:
    """Whether the container has the addresses and the ports of the device."""
    found = list(pairs(conf))
    return "net" in _values(found, "lxc.namespace.keep") or "none" in _network_types(found)


def configures_network(conf: str) -> bool:
    """Whether the container is in the device's network, or has a card of it, and may configure that."""
    found = list(pairs(conf))
    kept = _values(found, "lxc.cap.keep")
    may = "net_admin" in kept if kept else "net_admin" not in _values(found, "lxc.cap.drop")
    return may and (is_in_device_network(conf) or "phys" in _network_types(found))


def _values(found: list[tuple[str, str]], key: str) -> set[str]:
    return {word for name, value in found if name == key for word in _BLANKS.split(value)}


def _network_types(found: list[tuple[str, str]]) -> set[str]:
    return {value for key, value in found if re.fullmatch(r"lxc\.net\.[0-9]+\.type", key)}


def reaching_roles(run: Mapping[str, Any]) -> Iterator[str]:
    """The role by which run.json lets the container manage the device, if it lists that."""
    roles = run.get("roles")
    if isinstance(roles, (list, dict)) and MANAGEMENT in roles:
        yield f"the role {MANAGEMENT}"


Judge = Callable[[str, str, str], bool]


def _judge(key: str) -> Optional[Judge]:
    """Who decides whether a line is harmless; the same order as on the device."""
    if key in _JUDGES:
        return _JUDGES[key]
    if key in _HARMLESS or key.startswith("lxc.prlimit.") and key not in _URGENT:
        return lambda container, key, value: True
    if _is_device_rule(key):
        return _device_rule
    if key.startswith(("lxc.cgroup.", "lxc.cgroup2.")):
        return lambda container, key, value: cgroups.is_limit(key.split(".", 2)[2], value)
    return _network if key.startswith("lxc.net.") else None


def _is_device_rule(key: str) -> bool:
    return key.startswith(("lxc.cgroup.devices.", "lxc.cgroup2.devices."))


def _device_rule(container: str, key: str, value: str) -> bool:
    verb = key.partition(".devices.")[2]
    return value in _DEVICES if verb == "allow" else verb == "deny"


def _words(known: frozenset[str]) -> Judge:
    return lambda container, key, value: {word for word in _BLANKS.split(value) if word} <= known


def _network(container: str, key: str, value: str) -> bool:
    match = _NET_KEY.fullmatch(key)
    return match is not None and (match.group(1) != "type" or value in _NETWORKS)


def _root(container: str, key: str, value: str) -> bool:
    kind, colon, rest = value.partition(":")
    if kind not in ("overlayfs", "overlay") or not colon:
        return all(_is_lower(container, part) for part in value.split(":"))
    *lowers, upper = rest.split(":")
    return (
        upper == f"/volumes/{container}/lxc-overlay/upper"
        and all(_is_lower(container, part) for part in lowers)
    )  # fmt: skip


def _is_lower(container: str, path: str) -> bool:
    # Another container's image may be the base of this one.
    return (
        _is_volume(container, path) or re.fullmatch(r"/volumes/[^./][^/]*/root\.squashfs", path) is not None
    )


def _is_volume(container: str, path: str) -> bool:
    """/volumes/<container>/<volume> and nothing after it: a link there could lead anywhere."""
    folder, _, name = path.rpartition("/")
    return folder == f"/volumes/{container}" and name not in ("", ".", "..", "lxc-overlay")


def _mount_entry(container: str, key: str, value: str) -> bool:
    fields = [field for field in _BLANKS.split(value) if field]
    # A backslash begins an escape of another character.
    if "\\" in value or len(fields) < 4 or fields[1].startswith("/") or ".." in fields[1].split("/"):
        return False
    source, target, kind, flags = fields[:4]
    options = frozenset(flags.split(","))
    is_bind = bool(options & {"bind", "rbind"})
    if options & _BAD_OPTIONS or kind not in ("none", "tmpfs") or is_bind != (kind == "none"):
        return False
    if kind == "tmpfs":
        return True
    if source in _MASKED:
        return target == source[1:] and "ro" in options
    return source == "/etc/resolv.conf" or _is_volume(container, source)


_JUDGES: dict[str, Judge] = {
    "lxc.cap.keep": _words(_KEPT),
    "lxc.mount.auto": _words(_AUTO),
    "lxc.namespace.keep": _words(_NAMESPACES),
    "lxc.rootfs.path": _root,
    "lxc.mount.entry": _mount_entry,
    "lxc.console.path": lambda container, key, value: value == "none",
}
