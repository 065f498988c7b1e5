# SPDX-License-Identifier: MIT
"""The template arguments of src.json (PV_*, LXC_*): the type of each, and the field of ContainerSpec that
it becomes.

Names and meaning are those of the published tool's builtin-lxc-docker template, which passes over those of
ours: PV_SECURITY_PROFILE, _CAP_ADD and _NEW_PRIVS, and PV_LIMIT_*. There every non-empty string switches a
flag on, "no" and "0" included; here such words are taken literally. An empty one is not given.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import FormatError, PantavisorError
from .lxc_options import LINE_ENDS, LxcOptions, clean_capability
from .mounts import Mount, VolumeImport, clean_target
from .network import LxcNetwork, Network
from .recovery import AutoRecovery
from .resources import Resources, parse_cpus, parse_memory, parse_pids, parse_swap
from .services import Drivers, Services, consumed_services

MAX_ARGUMENT_CHARS = 64 * 1024


class Kind(enum.Enum):
    """What an argument's value may be."""

    TEXT = "text"
    FLAG = "flag"
    NUMBER = "number"
    WORDS = "list of strings, or one string with commas"
    OBJECT = "object"


@dataclass(frozen=True)
class Argument:
    """``field`` is ``name`` or ``record.name`` in ContainerSpec; ``read`` makes its value, of each word if
    there are many.
    """

    kind: Kind
    field: str
    read: Optional[Callable[[Any], Any]] = None


ARGUMENTS: dict[str, Argument] = {
    "PV_GROUP": Argument(Kind.TEXT, "group"),
    "PV_RUNLEVEL": Argument(Kind.TEXT, "runlevel"),
    "PV_STATUS_GOAL": Argument(Kind.TEXT, "status_goal"),
    "PV_RESTART_POLICY": Argument(Kind.TEXT, "restart_policy"),
    "PV_ROLES": Argument(Kind.WORDS, "roles"),
    "PV_CONDITIONS": Argument(Kind.OBJECT, "conditions"),
    "PV_AUTOMODFW": Argument(Kind.FLAG, "modules"),
    "PV_REMOUNT": Argument(Kind.OBJECT, "remount"),
    "PV_DRIVERS_MANUAL": Argument(Kind.WORDS, "drivers.manual"),
    "PV_DRIVERS_REQUIRED": Argument(Kind.WORDS, "drivers.required"),
    "PV_DRIVERS_OPTIONAL": Argument(Kind.WORDS, "drivers.optional"),
    "PV_SERVICES_MANUAL": Argument(
        Kind.OBJECT, "services.manual", lambda value: consumed_services(value, "services")
    ),
    "PV_SERVICES_REQUIRED": Argument(
        Kind.OBJECT, "services.required", lambda value: consumed_services(value, "services")
    ),
    "PV_SERVICES_OPTIONAL": Argument(
        Kind.OBJECT, "services.optional", lambda value: consumed_services(value, "services")
    ),
    "PV_AUTO_RECOVERY": Argument(Kind.OBJECT, "auto_recovery", AutoRecovery.parse),
    "PV_LIMIT_MEMORY": Argument(Kind.TEXT, "resources.memory", parse_memory),
    "PV_LIMIT_SWAP": Argument(Kind.TEXT, "resources.swap", parse_swap),
    "PV_LIMIT_CPUS": Argument(Kind.TEXT, "resources.cpus", parse_cpus),
    "PV_LIMIT_PIDS": Argument(Kind.TEXT, "resources.pids", parse_pids),
    "PV_NETWORK_POOL": Argument(Kind.TEXT, "network.pool"),
    "PV_NETWORK_HOSTNAME": Argument(Kind.TEXT, "network.hostname"),
    "PV_NETWORK_IP": Argument(Kind.TEXT, "network.ip"),
    "PV_NETWORK_MAC": Argument(Kind.TEXT, "network.mac"),
    "PV_EXTRA_VOLUMES": Argument(Kind.WORDS, "extra_images"),
    "PV_VOLUME_MOUNTS": Argument(Kind.WORDS, "images", Mount.parse),
    "PV_VOLUME_IMPORTS": Argument(Kind.WORDS, "volume_imports", VolumeImport.parse),
    "PV_FILEIMPORTS": Argument(Kind.WORDS, "files", Mount.parse),
    "PV_IMPORT_CONFIGVOLUMES": Argument(Kind.WORDS, "config_volumes", Mount.parse),
    "PV_DEBUG_MODE": Argument(Kind.FLAG, "lxc.debug"),
    "PV_DISABLE_AUTODEV": Argument(Kind.FLAG, "lxc.autodev", operator.not_),
    "PV_LXC_DISABLE_CONSOLE": Argument(Kind.FLAG, "lxc.console", operator.not_),
    "PV_LXC_EXTRA_CONF": Argument(Kind.TEXT, "lxc.raw"),
    "PV_LXC_EXTRA_ENV": Argument(Kind.WORDS, "lxc.environment"),
    "PV_LXC_NAMESPACE_KEEP": Argument(
        Kind.TEXT, "lxc.namespaces", lambda text: tuple(text.replace(",", " ").split())
    ),
    "PV_LXC_NETWORK_TYPE": Argument(Kind.TEXT, "lxc_network.type"),
    "PV_LXC_NETWORK_LINK": Argument(Kind.TEXT, "lxc_network.link"),
    "PV_LXC_NETWORK_IPV4_ADDRESS": Argument(Kind.TEXT, "lxc_network.address"),
    "PV_LXC_NETWORK_IPV4_GATEWAY": Argument(Kind.TEXT, "lxc_network.gateway"),
    "PV_LXC_CAP_DROP": Argument(Kind.WORDS, "lxc.cap_drop", clean_capability),
    "PV_LXC_CAP_KEEP": Argument(Kind.WORDS, "lxc.cap_keep", clean_capability),
    "PV_RESOLV_CONF_DISABLE": Argument(Kind.FLAG, "lxc.resolv_conf", operator.not_),
    "PV_RESOLV_CONF_PATH": Argument(Kind.TEXT, "lxc.resolv_conf_path", clean_target),
    "PV_RUN_TMPFS_DISABLE": Argument(Kind.FLAG, "lxc.run_tmpfs", operator.not_),
    "PV_RUN_TMPFS_PATH": Argument(Kind.TEXT, "lxc.run_tmpfs_path", clean_target),
    "PV_SECURITY_PROFILE": Argument(Kind.TEXT, "lxc.profile"),
    "PV_SECURITY_CAP_ADD": Argument(Kind.WORDS, "lxc.cap_add", clean_capability),
    "PV_SECURITY_NEW_PRIVS": Argument(Kind.FLAG, "lxc.new_privs"),
    "PV_SECURITY_FULLDEV": Argument(Kind.FLAG, "lxc.full_dev"),
    "PV_SECURITY_WITH_HOST": Argument(Kind.FLAG, "lxc.host"),
    "PV_SECURITY_WITH_HOSTPROC": Argument(Kind.FLAG, "lxc.host_proc"),
    "PV_SECURITY_WITH_STORAGE": Argument(Kind.FLAG, "lxc.storage"),
    "PVR_LXC_CGROUP_DEVICES_WHITE": Argument(Kind.WORDS, "lxc.devices"),
    "PVR_LXC_CGROUP_V1": Argument(Kind.WORDS, "lxc.cgroups"),
    "LXC_TTY_MAX": Argument(Kind.NUMBER, "lxc.tty_max"),
    "LXC_PTY_MAX": Argument(Kind.NUMBER, "lxc.pty_max"),
    "LXC_MOUNT_AUTO_PROC": Argument(Kind.TEXT, "lxc.proc"),
    "LXC_MOUNT_AUTO_SYS": Argument(Kind.TEXT, "lxc.sys"),
    "LXC_MOUNT_AUTO_GROUP": Argument(Kind.TEXT, "lxc.cgroup"),
}
_RECORDS: dict[str, Callable[..., Any]] = {
    "drivers": Drivers,
    "services": Services,
    "resources": Resources,
    "network": lambda **members: Network(**{"pool": "", **members}),
    "lxc_network": LxcNetwork,
    "lxc": LxcOptions,
}
# Raw configuration may hold lines; anywhere else a line break would smuggle in a directive.
MULTILINE = frozenset(["PV_LXC_EXTRA_CONF"])
_FALSE = frozenset(["0", "no", "false", "off"])


def read_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ContainerSpec. Unknown names and values are errors with the nearest right one.
    Raises FormatError.
    """
    fields: dict[str, Any] = {}
    records: dict[str, dict[str, Any]] = {}
    for name, value in sorted(arguments.items()):
        argument = ARGUMENTS.get(name)
        if argument is None:
            raise names.unknown(name, ARGUMENTS, what="argument")
        if value is None or value in ("", [], ()):
            continue
        record, dot, member = argument.field.rpartition(".")
        (records.setdefault(record, {}) if dot else fields)[member] = _read(name, argument, value)
    return {**fields, **{record: _RECORDS[record](**members) for record, members in records.items()}}


def _read(name: str, argument: Argument, value: Any) -> Any:
    typed = _typed(name, argument.kind, value)
    if argument.read is None:
        return typed
    try:
        return tuple(map(argument.read, typed)) if argument.kind is Kind.WORDS else argument.read(typed)
    except PantavisorError as error:
        raise FormatError(f"argument {name}: {error.message}", hint=error.hint) from error


def _typed(name: str, kind: Kind, value: Any) -> Any:
    if kind is Kind.OBJECT:
        if not isinstance(value, (dict, list)):
            raise FormatError(
                f"argument {name} is not a JSON object or array", hint="give it by --arg-json"
            )
        return value
    if kind is Kind.FLAG:
        return value if isinstance(value, bool) else _text(name, kind, value).lower() not in _FALSE
    if kind is Kind.WORDS:
        items = value if isinstance(value, (list, tuple)) else str(value).split(",")
        return tuple(_text(name, kind, item) for item in items if item != "")
    text = _text(name, kind, value)
    if kind is Kind.NUMBER:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise FormatError(f'argument {name} is "{text[:40]}" and not a number')
        return int(text)
    return text


def _text(name: str, kind: Kind, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise FormatError(f"argument {name} is not a {kind.value}")
    # Raw lines may come from a file as Windows writes it.
    text = str(value).replace("\r\n", "\n") if name in MULTILINE else str(value)
    if len(text) > MAX_ARGUMENT_CHARS:
        raise FormatError(f"argument {name} is longer than {MAX_ARGUMENT_CHARS} characters")
    if not LINE_ENDS.isdisjoint(
        text.replace("\n", "") if name in MULTILINE else text
    ) or not names.has_bytes(text):
        raise FormatError(f"argument {name} holds a line break, a NUL or an unpaired surrogate")
    return text
