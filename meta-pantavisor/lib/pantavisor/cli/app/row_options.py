# SPDX-License-Identifier: MIT
"""Which option sets which row of run.json and lxc.container.conf. The page docs/formats/container.md lists
them too.
"""

from __future__ import annotations

from dataclasses import dataclass

JSON = "JSON|FILE"


@dataclass(frozen=True)
class Option:
    """``flag`` fills the template argument ``argument``; without a ``metavar`` it is a switch."""

    flag: str
    argument: str
    metavar: str
    help: str


STARTING = (
    Option("--group", "PV_GROUP", "GROUP", "group of device.json; default: app"),
    Option(
        "--runlevel", "PV_RUNLEVEL", "LEVEL", "group by its published name: data, root, platform or app"
    ),
    Option("--status-goal", "PV_STATUS_GOAL", "GOAL", "MOUNTED, STARTED or READY; default: STARTED"),
    Option("--restart-policy", "PV_RESTART_POLICY", "POLICY", "system or container; default: container"),
    Option("--role", "PV_ROLES", "ROLE", "what it may ask of the device: mgmt or nobody; default: nobody"),
    Option(
        "--auto-recovery",
        "PV_AUTO_RECOVERY",
        JSON,
        "what follows its end: policy, max_retries, retry_delay, ...",
    ),
)
DEVICE = (
    Option(
        "--automodfw",
        "PV_AUTOMODFW",
        "",
        "show the bsp's modules and firmware in the container (the default)",
    ),
    Option("--remount", "PV_REMOUNT", JSON, "remounts, which are passed on as they are"),
)
LIMITS = (
    Option("--memory", "PV_LIMIT_MEMORY", "SIZE", "memory that it may take at most, such as 64M or 1.5G"),
    Option("--swap", "PV_LIMIT_SWAP", "SIZE", "swap that it may take beyond --memory, such as 32M or 0"),
    Option("--cpus", "PV_LIMIT_CPUS", "NUMBER", "processors whose time it may take at most, such as 0.5"),
    Option("--pids", "PV_LIMIT_PIDS", "COUNT", "processes and threads that it may have at most"),
)
NETWORK = (
    Option(
        "--network-pool",
        "PV_NETWORK_POOL",
        "POOL",
        "pool of device.json, from which the container gets its address",
    ),
    Option("--hostname", "PV_NETWORK_HOSTNAME", "NAME", "its name in the pool; default: the container's"),
    Option("--ip", "PV_NETWORK_IP", "ADDRESS", "its address in the pool; default: the pool chooses"),
    Option("--mac", "PV_NETWORK_MAC", "ADDRESS", "its MAC address in the pool"),
    Option(
        "--lxc-network",
        "PV_LXC_NETWORK_TYPE",
        "TYPE",
        "network without a pool: host, none, empty, phys or veth; default: host",
    ),
    Option("--lxc-link", "PV_LXC_NETWORK_LINK", "LINK", "network device for phys"),
    Option("--lxc-address", "PV_LXC_NETWORK_IPV4_ADDRESS", "ADDRESS/LENGTH", "address for veth"),
    Option("--lxc-gateway", "PV_LXC_NETWORK_IPV4_GATEWAY", "ADDRESS", "gateway for veth; default: auto"),
)
PROCESS = (
    Option("--env", "PV_LXC_EXTRA_ENV", "NAME=VALUE", "variable in addition to the image's own"),
    Option("--cap-drop", "PV_LXC_CAP_DROP", "CAPABILITY", "capability that it must not have"),
    Option("--cap-keep", "PV_LXC_CAP_KEEP", "CAPABILITY", "capability that it has, and only those named"),
    Option(
        "--cap-add",
        "PV_SECURITY_CAP_ADD",
        "CAPABILITY",
        "capability in addition to those of the profile confined",
    ),
    Option(
        "--new-privs",
        "PV_SECURITY_NEW_PRIVS",
        "",
        "let sudo and the like gain privileges in the profile confined",
    ),
    Option("--namespace-keep", "PV_LXC_NAMESPACE_KEEP", "NAMES", "namespaces of the host that it shares"),
    Option("--console", "PV_LXC_DISABLE_CONSOLE", "", "give it a console (the default)"),
    Option("--tty-max", "LXC_TTY_MAX", "COUNT", "number of terminals; default: 8"),
    Option("--pty-max", "LXC_PTY_MAX", "COUNT", "number of pseudo terminals; default: 1024"),
    Option("--debug", "PV_DEBUG_MODE", "", "have LXC write a log of its own"),
)
MOUNTS = (
    Option(
        "--mount", "PV_VOLUME_MOUNTS", "FILE:TARGET", "mount a file system image from the container's files"
    ),
    Option("--extra-volume", "PV_EXTRA_VOLUMES", "FILE", "mount a file system image below /volumes only"),
    Option(
        "--import-volume",
        "PV_VOLUME_IMPORTS",
        "CONTAINER:[DIR@]PATH:TARGET[:FLAGS]",
        "mount a volume of another container",
    ),
    Option(
        "--import-config",
        "PV_IMPORT_CONFIGVOLUMES",
        "VOLUME:TARGET",
        "mount what a shared volume holds for this container",
    ),
    Option("--import-file", "PV_FILEIMPORTS", "FILE:TARGET", "mount a file of the device's /exports"),
    Option("--resolv-conf", "PV_RESOLV_CONF_DISABLE", "", "mount the device's resolv.conf (the default)"),
    Option(
        "--resolv-conf-path",
        "PV_RESOLV_CONF_PATH",
        "TARGET",
        "its place in the container; default: etc/resolv.conf",
    ),
    Option("--run-tmpfs", "PV_RUN_TMPFS_DISABLE", "", "mount a tmpfs at run (the default)"),
    Option("--run-tmpfs-path", "PV_RUN_TMPFS_PATH", "TARGET", "place of that tmpfs; default: run"),
    Option(
        "--mount-proc", "LXC_MOUNT_AUTO_PROC", "MODE", "proc, proc:mixed or proc:rw; default: the profile's"
    ),
    Option(
        "--mount-sys",
        "LXC_MOUNT_AUTO_SYS",
        "MODE",
        "sys, sys:mixed, sys:ro or sys:rw; default: the profile's",
    ),
    Option(
        "--mount-cgroup", "LXC_MOUNT_AUTO_GROUP", "MODE", "cgroup, cgroup:ro, ...; default: the profile's"
    ),
    Option("--autodev", "PV_DISABLE_AUTODEV", "", "have LXC fill /dev (the default)"),
    Option("--full-dev", "PV_SECURITY_FULLDEV", "", "mount the device's /dev"),
    Option("--with-host", "PV_SECURITY_WITH_HOST", "", "mount the device's root file system at /host"),
    Option("--with-host-proc", "PV_SECURITY_WITH_HOSTPROC", "", "mount the device's /proc at /host/proc"),
    Option("--with-storage", "PV_SECURITY_WITH_STORAGE", "", "mount the device's storage at /storage"),
)
LAST = (
    Option(
        "--allow-device",
        "PVR_LXC_CGROUP_DEVICES_WHITE",
        "RULE",
        "device nodes that it may use, in the profile confined in addition to its own",
    ),
    Option(
        "--cgroup", "PVR_LXC_CGROUP_V1", "KEY=VALUE", "setting of cgroup 1, or its counterpart of cgroup 2"
    ),
)
GROUPS = (
    ("starting, ending, rights", STARTING),
    ("limits", LIMITS),
    ("what it needs of the device", DEVICE),
    ("network", NETWORK),
    ("its process", PROCESS),
    ("volumes and mounts", MOUNTS),
    ("last resort", LAST),
)
