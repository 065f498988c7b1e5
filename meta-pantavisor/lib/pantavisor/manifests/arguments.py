"""The template arguments of src.json (PV_*, LXC_*), each with its type.

Names and meaning are those of the published tool's builtin-lxc-docker template. There every non-empty string switches
a flag on, "no" and "0" included; here such words mean what they say.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

from .. import names
from ..errors import FormatError
from .recovery import check_auto_recovery
from .services import check_wanted

MAX_ARGUMENT_CHARS = 64 * 1024


class Kind(enum.Enum):
    """What an argument's value may be."""

    TEXT = "text"
    FLAG = "flag"
    WORDS = "list of strings, or one string with commas"
    OBJECT = "object"


ARGUMENTS: dict[str, Kind] = {
    "PV_GROUP": Kind.TEXT,
    "PV_RUNLEVEL": Kind.TEXT,
    "PV_STATUS_GOAL": Kind.TEXT,
    "PV_RESTART_POLICY": Kind.TEXT,
    "PV_ROLES": Kind.WORDS,
    "PV_CONDITIONS": Kind.OBJECT,
    "PV_AUTOMODFW": Kind.TEXT,
    "PV_REMOUNT": Kind.OBJECT,
    "PV_DRIVERS_MANUAL": Kind.WORDS,
    "PV_DRIVERS_REQUIRED": Kind.WORDS,
    "PV_DRIVERS_OPTIONAL": Kind.WORDS,
    "PV_SERVICES_MANUAL": Kind.OBJECT,
    "PV_SERVICES_REQUIRED": Kind.OBJECT,
    "PV_SERVICES_OPTIONAL": Kind.OBJECT,
    "PV_AUTO_RECOVERY": Kind.OBJECT,
    "PV_NETWORK_POOL": Kind.TEXT,
    "PV_NETWORK_HOSTNAME": Kind.TEXT,
    "PV_NETWORK_IP": Kind.TEXT,
    "PV_NETWORK_MAC": Kind.TEXT,
    "PV_EXTRA_VOLUMES": Kind.WORDS,
    "PV_VOLUME_MOUNTS": Kind.WORDS,
    "PV_VOLUME_IMPORTS": Kind.WORDS,
    "PV_FILEIMPORTS": Kind.WORDS,
    "PV_IMPORT_CONFIGVOLUMES": Kind.WORDS,
    "PV_DEBUG_MODE": Kind.FLAG,
    "PV_DISABLE_AUTODEV": Kind.FLAG,
    "PV_LXC_DISABLE_CONSOLE": Kind.FLAG,
    "PV_LXC_EXTRA_CONF": Kind.TEXT,
    "PV_LXC_EXTRA_ENV": Kind.WORDS,
    "PV_LXC_NAMESPACE_KEEP": Kind.TEXT,
    "PV_LXC_NETWORK_TYPE": Kind.TEXT,
    "PV_LXC_NETWORK_LINK": Kind.TEXT,
    "PV_LXC_NETWORK_IPV4_ADDRESS": Kind.TEXT,
    "PV_LXC_NETWORK_IPV4_GATEWAY": Kind.TEXT,
    "PV_LXC_CAP_DROP": Kind.WORDS,
    "PV_LXC_CAP_KEEP": Kind.WORDS,
    "PV_RESOLV_CONF_DISABLE": Kind.FLAG,
    "PV_RESOLV_CONF_PATH": Kind.TEXT,
    "PV_RUN_TMPFS_DISABLE": Kind.FLAG,
    "PV_RUN_TMPFS_PATH": Kind.TEXT,
    "PV_SECURITY_FULLDEV": Kind.FLAG,
    "PV_SECURITY_WITH_HOST": Kind.FLAG,
    "PV_SECURITY_WITH_HOSTPROC": Kind.FLAG,
    "PV_SECURITY_WITH_STORAGE": Kind.FLAG,
    "PVR_LXC_CGROUP_DEVICES_WHITE": Kind.WORDS,
    "PVR_LXC_CGROUP_V1": Kind.WORDS,
    "LXC_TTY_MAX": Kind.TEXT,
    "LXC_PTY_MAX": Kind.TEXT,
    "LXC_MOUNT_AUTO_PROC": Kind.TEXT,
    "LXC_MOUNT_AUTO_SYS": Kind.TEXT,
    "LXC_MOUNT_AUTO_GROUP": Kind.TEXT,
}
CHOICES: dict[str, tuple[str, ...]] = {
    "PV_STATUS_GOAL": ("MOUNTED", "STARTED", "READY"),
    "PV_RESTART_POLICY": ("system", "container"),
    "PV_ROLES": ("mgmt", "nobody"),
    "PV_RUNLEVEL": ("data", "root", "platform", "app"),
    "PV_LXC_NETWORK_TYPE": ("host", "none", "empty", "phys", "veth"),
}
OBJECT_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "PV_AUTO_RECOVERY": check_auto_recovery,
    "PV_SERVICES_MANUAL": check_wanted,
    "PV_SERVICES_REQUIRED": check_wanted,
    "PV_SERVICES_OPTIONAL": check_wanted,
}
# Raw configuration may hold lines; anywhere else a line break would smuggle in a directive.
MULTILINE = frozenset(["PV_LXC_EXTRA_CONF"])
_OWN_NETWORKS = frozenset(["empty", "phys", "veth"])
_FALSE = frozenset(["", "0", "no", "false", "off"])


def check_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Each argument in its type: text, bool, tuple of strings, or JSON. Unknown names and values are errors."""
    checked = {name: _check(name, value) for name, value in sorted(arguments.items()) if value is not None}
    if checked.get("PV_NETWORK_POOL") and checked.get("PV_LXC_NETWORK_TYPE", "host") in _OWN_NETWORKS:
        raise FormatError(
            "PV_NETWORK_POOL and PV_LXC_NETWORK_TYPE exclude each other", hint="devices refuse a container with both"
        )
    return checked


def _check(name: str, value: Any) -> Any:
    kind = ARGUMENTS.get(name)
    if kind is None:
        raise names.unknown(name, ARGUMENTS, what="argument")
    if kind is Kind.OBJECT:
        if not isinstance(value, (dict, list)):
            raise FormatError(f"argument {name} is not a JSON object or array", hint="give it by --arg-json")
        return OBJECT_CHECKS[name](value, name) if name in OBJECT_CHECKS else value
    if kind is Kind.FLAG:
        return value if isinstance(value, bool) else str(value).lower() not in _FALSE
    words = _words(name, value) if kind is Kind.WORDS else (_text(name, value),)
    for word in words:
        if name in CHOICES and word and word not in CHOICES[name]:
            raise names.unknown(word, CHOICES[name], what=f"{name}")
    return words if kind is Kind.WORDS else words[0]


def _words(name: str, value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return tuple(_text(name, item) for item in items if item != "")


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise FormatError(f"argument {name} is not a {ARGUMENTS[name].value}")
    text = str(value)
    if len(text) > MAX_ARGUMENT_CHARS:
        raise FormatError(f"argument {name} is longer than {MAX_ARGUMENT_CHARS} characters")
    if "\0" in text or ("\n" in text and name not in MULTILINE) or not names.has_bytes(text):
        raise FormatError(f"argument {name} holds a line break, a NUL or half a character")
    return text
