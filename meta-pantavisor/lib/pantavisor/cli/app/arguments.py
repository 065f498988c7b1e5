# SPDX-License-Identifier: MIT
"""Options of ``pvr app add`` and ``update`` that become template arguments: how they are declared, and what
they give.

Spelling is checked by the library, which knows the nearest right word; argparse would only list them all.
"""

from __future__ import annotations

import argparse
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from ... import cjson, names, regular
from ...errors import FormatError, NotFound
from ...manifests import ARGUMENTS, Kind
from .row_options import GROUPS, Option

WANTED = ("required", "optional", "manual")
# The published tool reads these as one string with commas, and other words as a list.
JOINED = frozenset(["PV_FILEIMPORTS", "PV_EXTRA_VOLUMES", "PV_VOLUME_MOUNTS", "PV_IMPORT_CONFIGVOLUMES"])
SPLIT = frozenset(["PV_ROLES", "PV_LXC_CAP_DROP", "PV_LXC_CAP_KEEP", "PV_SECURITY_CAP_ADD"])


def declare(command: argparse.ArgumentParser) -> None:
    """Add the options in groups, as --help shows them."""
    groups = {}
    for title, options in GROUPS:
        groups[title] = group = command.add_argument_group(title)
        for option in options:
            _declare(group, option)
    device, last = groups["what it needs of the device"], groups["last resort"]
    device.add_argument(
        "--driver",
        action="append",
        metavar="[KIND:]NAME",
        help="driver of the bsp; KIND is required (the default), optional or manual",
    )
    device.add_argument(
        "--service",
        action="append",
        metavar="[KIND:]NAME,type=TYPE[,target=PATH][,role=R][,interface=I]",
        help="service of another container; TYPE is rest, dbus, unix, drm, wayland or input",
    )
    device.add_argument(
        "--logs", metavar="JSON|FILE", help="list of log files: file, maxsize, truncate, name, ..."
    )
    device.add_argument(
        "--exports", metavar="JSON|FILE", help="list of what it exports, which is passed on as it is"
    )
    groups["volumes and mounts"].add_argument(
        "--volume",
        action="append",
        default=[],
        metavar="[ovl:]PATH:PERSISTENCE[@DISK]",
        help="volume at PATH: permanent, revision or boot; lxc-overlay:PERSISTENCE for the root",
    )
    last.add_argument(
        "--lxc-conf", action="append", metavar="LINE|FILE", help="lines for lxc.container.conf as they are"
    )
    last.add_argument("--arg", action="append", default=[], metavar="NAME=VALUE", help="template argument")
    last.add_argument(
        "--arg-json",
        action="append",
        default=[],
        metavar="NAME=JSON|FILE",
        help="template argument with a JSON value",
    )


def given(options: argparse.Namespace) -> dict[str, Any]:
    """The template arguments that the options ask for, in the spelling of src.json."""
    arguments: dict[str, Any] = {}
    for _, group in GROUPS:
        for option in group:
            value = getattr(options, option.argument)
            if value is not None:
                arguments[option.argument] = _spelled(option, value)
    if options.PV_SECURITY_PROFILE:
        arguments["PV_SECURITY_PROFILE"] = options.PV_SECURITY_PROFILE
    if arguments.get("PV_RUNLEVEL") and "PV_GROUP" not in arguments:
        arguments["PV_GROUP"] = ""
    for kind, text in _by_kind(options.driver or (), "--driver"):
        arguments.setdefault(f"PV_DRIVERS_{kind.upper()}", []).extend(text.split(","))
    for kind, text in _by_kind(options.service or (), "--service"):
        arguments.setdefault(f"PV_SERVICES_{kind.upper()}", []).append(_service(text))
    if options.lxc_conf:
        arguments["PV_LXC_EXTRA_CONF"] = "\n".join(map(_lines, options.lxc_conf))
    return {**arguments, **_plain(options)}


def json_or_file(text: str, what: str) -> Any:
    """JSON given as such or as the name of a file."""
    is_json = text.lstrip().startswith(("{", "[", '"'))
    if not is_json and text and Path(text).exists() and not Path(text).is_dir():
        with regular.given(text) as stream:
            # One byte more is over the limit, and a device has no end.
            return cjson.loads(stream.read(cjson.MAX_BYTES + 1), what=text, unique=True)
    try:
        return cjson.loads(text, what=what, unique=True)
    except FormatError as error:
        if is_json:
            raise
        raise NotFound(f'{what}: "{text[:80]}" is neither JSON nor a file') from error


def json_object(text: str, what: str) -> dict[str, Any]:
    value = json_or_file(text, what)
    if not isinstance(value, dict):
        raise FormatError(f"{what} {text[:80]} is not a JSON object")
    return value


def json_list(text: Optional[str], what: str) -> Optional[list[Any]]:
    """A JSON array of objects, or None where nothing is given."""
    if text is None:
        return None
    value = json_or_file(text, what)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise FormatError(f"{what} {text[:80]} is not a JSON array of objects")
    return value


def split_pair(text: str, what: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise FormatError(f"{what} {text} is not NAME=VALUE")
    return name, value


def _declare(group: argparse._ArgumentGroup, option: Option) -> None:
    kind = ARGUMENTS[option.argument].kind
    if kind is Kind.FLAG:
        group.add_argument(
            option.flag, dest=option.argument, action=argparse.BooleanOptionalAction, help=option.help
        )
        return
    action = "append" if kind is Kind.WORDS else "store"
    group.add_argument(
        option.flag, dest=option.argument, action=action, metavar=option.metavar, help=option.help
    )


def _spelled(option: Option, value: Any) -> Any:
    row = ARGUMENTS[option.argument]
    if row.kind is Kind.FLAG:
        # To the published tool every text but the empty one means yes; its PV_AUTOMODFW knows "no".
        no = "no" if option.argument == "PV_AUTOMODFW" else ""
        return "yes" if value is not (row.read is operator.not_) else no
    if row.kind is Kind.OBJECT:
        return json_or_file(value, option.flag)
    if option.argument in SPLIT:
        return [word for item in value for word in item.split(",")]
    if option.argument in JOINED:
        if any("," in item for item in value):
            raise FormatError(
                f"{option.flag} {','.join(value)} holds a comma", hint="use the option once for each"
            )
        return ",".join(value)
    return value.replace(",", " ") if option.argument == "PV_LXC_NAMESPACE_KEEP" else value


def _by_kind(words: Any, what: str) -> Iterator[tuple[str, str]]:
    for word in words:
        kind, colon, rest = word.partition(":")
        if not colon:
            kind, rest = "required", word
        if kind not in WANTED:
            raise names.unknown(kind, WANTED, what=f"kind of {what}")
        yield kind, rest


def _service(text: str) -> dict[str, str]:
    name, *words = text.split(",")
    members = dict(split_pair(word, "--service: member") for word in words)
    if not set(members) - {"target", "role", "interface"}:
        raise FormatError(f"--service {text[:80]} has no type", hint="use --service NAME,type=rest")
    return {"name": name, **members}


def _lines(text: str) -> str:
    """A line of LXC's, or the lines of a file."""
    if "=" in text or not Path(text).is_file():
        return text
    return Path(text).read_text(encoding="utf-8", errors="surrogateescape").strip("\n")


def _plain(options: argparse.Namespace) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for word in options.arg:
        name, value = split_pair(word, "--arg")
        arguments[name] = value
    for word in options.arg_json:
        name, equals, value = word.partition("=")
        if equals:
            arguments[name] = json_or_file(value, f"--arg-json {name}")
        else:
            arguments.update(json_object(word, "--arg-json"))
    return arguments
