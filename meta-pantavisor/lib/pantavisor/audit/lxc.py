# SPDX-License-Identifier: MIT
"""lxc.container.conf: every line has its form, and the volumes it names are the container's own or exist
elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..lxc import MAX_BYTES
from ..names import hint
from .context import Context

MAX_LINES = 10_000
# The families of keys that liblxc 4 to 6 knows, by their second word.
FAMILIES = frozenset([
    "apparmor", "arch", "autodev", "cap", "cgroup", "cgroup2", "console", "environment", "ephemeral",
    "execute", "group", "hook", "idmap", "include", "init", "keyring", "log", "monitor", "mount",
    "namespace", "net", "no_new_privs", "prlimit", "proc", "pty", "rootfs", "sched", "seccomp", "selinux",
    "signal", "start", "sysctl", "time", "tty", "uts",
])  # fmt: skip
_LINE = re.compile(r"(lxc\.[a-z0-9_.-]+)\s*=\s*(.*)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")  # where liblxc ends a line, and nowhere else
_VOLUME = re.compile(r"/volumes/([^/]+)/([^/]+)")


def check(context: Context, name: str, path: str, text: bytes, *, pooled: bool) -> None:
    """Examine one configuration of the container ``name``."""
    if len(text) > MAX_BYTES:
        context.add("lxc", path, f"is {len(text)} bytes long, and devices read {MAX_BYTES} at most")
    try:
        pairs = list(_pairs(context, path, text.decode("utf-8")))
    except UnicodeDecodeError:
        context.add("lxc", path, "is not UTF-8")
        return
    values = dict(pairs)
    if "lxc.rootfs.path" not in values:
        context.add("lxc", path, "has no lxc.rootfs.path")
    if "lxc.init.cmd" not in values and "lxc.execute.cmd" not in values:
        context.add("lxc", path, "has no lxc.init.cmd")
    if pooled and any(key.startswith("lxc.net.") for key in values):
        context.add(
            "lxc", path, "configures lxc.net, which devices refuse for a container in a network pool"
        )
    for key, value in pairs:
        if key == "lxc.rootfs.path":
            _check_root(context, name, path, value)
        elif key == "lxc.mount.entry":
            _check_mount(context, path, value)


def _pairs(context: Context, path: str, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_LINE_END.split(text), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or number > MAX_LINES:
            context.add("lxc", path, f"line {number} is not of the form lxc.<key> = <value>")
            return
        family = match.group(1).split(".")[1]
        if family not in FAMILIES:
            known = [f"lxc.{name}" for name in FAMILIES]
            context.add(
                "lxc",
                path,
                f"line {number} has the unknown key {match.group(1)}",
                hint(f"lxc.{family}", known),
            )
        yield match.group(1), match.group(2).strip()


def _check_root(context: Context, name: str, path: str, value: str) -> None:
    folders = value.removeprefix("overlayfs:").removeprefix("overlay:").split(":")
    for folder in folders:
        match = _VOLUME.match(folder)
        if match is None or ".." in folder.split("/"):
            context.add("lxc", path, f"the root file system {folder} is not a volume of a container")
        else:
            _check_volume(context, path, match.group(1), match.group(2))
    owners = {match.group(1) for match in map(_VOLUME.match, folders) if match}
    if name not in owners:
        context.add("lxc", path, f"the root file system {value} is not the container's own")
    elif len(folders) > 1 and not folders[-1].startswith(f"/volumes/{name}/"):
        context.add(
            "lxc", path, f"the root file system would be written to another container: {folders[-1]}"
        )


def _check_mount(context: Context, path: str, value: str) -> None:
    fields = value.split()
    if len(fields) < 4:
        context.add("lxc", path, f'the mount entry "{value[:200]}" has less than four fields')
        return
    if ".." in fields[1].split("/"):
        context.add("lxc", path, f"the mount target {fields[1]} leaves the container")
    match = _VOLUME.match(fields[0])
    if match and "optional" not in fields[3].split(","):
        _check_volume(context, path, match.group(1), match.group(2))


def _check_volume(context: Context, path: str, owner: str, volume: str) -> None:
    run = context.document(f"{owner}/run.json")
    if run is None:
        if context.whole:
            context.add(
                "lxc", path, f"/volumes/{owner}/{volume} is of a container that the state does not have"
            )
        return
    if volume not in context.volumes_of(owner):
        context.add("lxc", path, f"/volumes/{owner}/{volume} is not a volume in {owner}/run.json")
