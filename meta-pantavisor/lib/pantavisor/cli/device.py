# SPDX-License-Identifier: MIT
"""``pvr device``: groups, disks, volumes and network pools of the device.json in the working tree."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from .. import cjson, repo
from ..manifests import AutoRecovery, device_edit
from ..manifests.disks import DISK_TYPES
from ..repo import DEVICE
from . import here
from .app.arguments import json_or_file
from .console import Console

# Kind -> members that are text, as option, metavar and help.
TEXTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "group": (
        ("status-goal", "GOAL", "MOUNTED, STARTED or READY; default: STARTED"),
        ("restart-policy", "POLICY", "system or container; default: container"),
        ("description", "TEXT", "text for people"),
    ),
    "disk": (
        ("type", "TYPE", f"{', '.join(DISK_TYPES[:-1])} or {DISK_TYPES[-1]}"),
        ("path", "PATH", "path of its device, or of its file, with size and key"),
        ("mode", "MODE", "mode of encryption, such as mainline or nxp"),
        ("format", "TYPE", "file system that it gets"),
        ("format-options", "TEXT", "options for making the file system"),
        ("provision", "HOW", "how it is prepared for its first use"),
        ("provision-options", "TEXT", "options for preparing it"),
        ("mount-target", "PATH", "directory on which it is mounted"),
        ("mount-options", "TEXT", "options for mounting it"),
        ("uuid", "UUID", "UUID of its file system"),
    ),
    "volume": (
        ("persistence", "HOW", "permanent, revision or boot"),
        ("disk", "DISK", "disk that holds it; default: the storage"),
    ),
    "pool": (
        ("type", "TYPE", "bridge or macvlan"),
        ("subnet", "NETWORK", "addresses, such as 10.0.5.0/24"),
        ("gateway", "ADDRESS", "address of the device in the subnet"),
        ("bridge", "LINK", "bridge that is made or used"),
        ("parent", "LINK", "network device below macvlan"),
    ),
}
LISTS = {"disk": (("alias", "aliases", "another name of it"), ("disk", "disks", "disk that it consists of"),
                  ("init-order", "init_order", "disk that is set up before it"))}  # fmt: skip
SWITCHES = {
    "disk": (
        ("default", "use it for volumes that name no disk"),
        ("migrate-keyblob", "move the blob of the key"),
    ),
    "pool": (("nat", "hide its addresses behind the device's"),),
}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``device`` with init, ls, and add, set and rm for each kind."""
    noun = commands.add_parser("device", help="edit device.json: groups, disks, volumes, network pools")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    init = verbs.add_parser("init", help="write a device.json with groups data, root, platform and app")
    init.set_defaults(run=_init)
    listing = verbs.add_parser("ls", help="list what is in device.json")
    listing.add_argument("--json", action="store_true", help="print device.json itself")
    listing.set_defaults(run=_list)
    for kind in device_edit.KINDS:
        actions = verbs.add_parser(kind, help=f"add, change and remove a {kind}").add_subparsers(
            dest="action", metavar="VERB", required=True
        )
        for action, text in (("add", "add a"), ("set", "change members of a"), ("rm", "remove a")):
            command = actions.add_parser(action, help=f"{text} {kind}")
            command.add_argument("name", help=f"name of the {kind}")
            command.set_defaults(run=_edit, kind=kind, before=None)
            if action != "rm":
                _members(command, kind)
            if (kind, action) == ("group", "add"):
                command.add_argument(
                    "--before", metavar="GROUP", help="start it before that one; default: last"
                )


def _members(command: argparse.ArgumentParser, kind: str) -> None:
    for name, metavar, text in TEXTS[kind]:
        command.add_argument(
            f"--{name}", dest=f"member_{name.replace('-', '_')}", metavar=metavar, help=text
        )
    for name, member, text in LISTS.get(kind, ()):
        command.add_argument(
            f"--{name}", dest=f"member_{member}", action="append", metavar="NAME", help=text
        )
    for name, text in SWITCHES.get(kind, ()):
        command.add_argument(f"--{name}", dest=f"member_{name.replace('-', '_')}",
                             action=argparse.BooleanOptionalAction, help=text)  # fmt: skip
    if kind == "group":
        command.add_argument("--timeout", dest="member_timeout", type=int, metavar="SECONDS",
                             help="time in which its goals must be reached; default: 30")  # fmt: skip
        command.add_argument("--auto-recovery", dest="member_auto_recovery", metavar="JSON|FILE",
                             help="recovery of its containers: policy, max_retries, ...")  # fmt: skip


def _members_of(options: argparse.Namespace) -> dict[str, Any]:
    """The members that the options gave."""
    found: dict[str, Any] = {}
    for name, value in vars(options).items():
        if name.startswith("member_") and value is not None:
            found[name[len("member_") :]] = tuple(value) if isinstance(value, list) else value
    if found.get("auto_recovery"):
        found["auto_recovery"] = AutoRecovery.parse(json_or_file(found["auto_recovery"], "--auto-recovery"))
    return found


def _init(options: argparse.Namespace, console: Console) -> None:
    repo.write_default_device(here.repository())
    console.line(f"{DEVICE} is written; run pvr add and pvr commit to keep it")


def _edit(options: argparse.Namespace, console: Console) -> None:
    kind, name, members = options.kind, options.name, _members_of(options)
    changes = {
        "add": lambda device: device_edit.add(device, kind, name, members, before=options.before),
        "set": lambda device: device_edit.change(device, kind, name, members),
        "rm": lambda device: device_edit.remove(device, kind, name),
    }
    repo.edit_device(here.repository(), changes[options.action])
    done = {"add": "has", "set": "has another", "rm": "no longer has"}[options.action]
    console.line(f"{DEVICE} {done} {kind} {name}; run pvr add and pvr commit to keep it")


def _list(options: argparse.Namespace, console: Console) -> None:
    device = repo.device_of(here.repository())
    if options.json:
        console.json(device.document)
        return
    rows = []
    for kind in device_edit.KINDS:
        rows += [
            (kind, name, _text(members)) for name, members in device_edit.entries(device, kind).items()
        ]
    console.table(("kind", "name", "members"), rows)


def _text(members: Mapping[str, Any]) -> str:
    return " ".join(
        f"{member}={value if isinstance(value, str) else cjson.dumps(value).decode()}"
        for member, value in members.items()
        if member != "name"
    )
