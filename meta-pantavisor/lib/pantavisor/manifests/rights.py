# SPDX-License-Identifier: MIT
"""The profiles of a container's rights: what one may do by default.

``published`` is what the published tool gives: everything. ``confined`` is what new containers get: fewer
capabilities than docker gives, the usual device nodes only, no writing to /sys and /proc/sys, no privileges
gained by a program, and on a device of ours a filter of system calls, for which run.json has the word.
"""

from __future__ import annotations

PUBLISHED, CONFINED = "published", "confined"
PROFILES = (CONFINED, PUBLISHED)
# Docker's, but mknod: its nodes could not be opened,
# and making them is not worth a hole in the device filter.
CAPABILITIES = (
    "audit_write", "chown", "dac_override", "fowner", "fsetid", "kill", "net_bind_service", "net_raw",
    "setfcap", "setgid", "setpcap", "setuid", "sys_chroot",
)  # fmt: skip
# null, zero, full, random, urandom, tty, console, ptmx, pseudo terminals, fuse:
# those of LXC's own configuration.
DEVICES = (
    "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm",
    "c 136:* rwm", "c 10:229 rwm",
)  # fmt: skip
# Of proc, sys and cgroup: the value of lxc.mount.auto where nothing else is asked for.
MOUNTS = {PUBLISHED: ("proc", "sys:rw", "cgroup"), CONFINED: ("proc:mixed", "sys:ro", "cgroup:ro")}
# What proc:mixed leaves open and is the device's: read-only by a bind of itself. With the host's network
# its settings too.
READ_ONLY = ("/proc/acpi", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq")
NET_SETTINGS = "/proc/sys/net"
