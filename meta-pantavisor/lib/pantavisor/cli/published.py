# SPDX-License-Identifier: MIT
"""What scripts for the published pvr may write: its other names of commands and options, and its variables.

Each row is laid over the parser of our command, which has the meaning; docs/published.md shows the same
rows. Of names that the published tool has twice (i, s, g, d, c, r) the one that it takes counts.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import argument_parser


@dataclass(frozen=True)
class Row:
    """``command`` of ours, its other ``names``, other spellings of its ``options``, ``variables`` after
    these, and options that are taken for nothing.
    """

    command: str
    names: tuple[str, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[IgnoredOption, ...] = ()


@dataclass(frozen=True)
class IgnoredOption:
    """An option that has nothing to do here. Without a ``metavar`` it is a switch."""

    flags: tuple[str, ...]
    metavar: str = ""


ROWS = (
    Row("init", ("i",), {"--objects": ("-o",), "--spec": ("-s",)}, {"--objects": "PVR_OBJECTS_DIR"}),
    Row("add", ("a",), {"--raw": ("-r",)}),
    Row("json", ("j",), {"--canonical": ("-c",)}),
    Row("status", ("s",)),
    Row("commit", ("ci",)),
    Row("checkout", ("reset", "r", "co"), {"--hardlink": ("--hl",)}),
    Row(
        "clone", ("c",), {"--objects": ("-o",), "--canonical": ("-c",), "--spec": ("-s",)},
        {"--objects": "PVR_OBJECTS_DIR"},
    ),
    Row("get", ("g",)),
    Row("merge", ("m",)),
    Row("export", (), {"--parts": ("-p",)}),
    Row("deploy", ("d",), {"--no-merge": ("--nomerge",)}),
    Row("app", ("ap",)),
    Row(
        "app add", ("aa",), {"--format-options": ("-o",)},
        {
            "--from": "PVR_FROM", "--platform": "PVR_PLATFORM", "--arg": "PVR_TEMPLATE_ARG",
            "--volume": "PVR_PERSISTENCE_VOLUME",
        },
    ),
    # It fetches nothing.
    Row(
        "app install", ("ai",),
        ignored=(
            IgnoredOption(("-t", "--type"), "TYPE"), IgnoredOption(("--source",), "PLACES"),
            IgnoredOption(("-u", "--username"), "NAME"), IgnoredOption(("-p", "--password"), "PASSWORD"),
        ),
    ),
    Row("app update", ("au",), {"--format-options": ("-o",)}, {"--platform": "PVR_PLATFORM"}),
    Row("app rm", ("r",)),
    Row("app ls", ("l",)),
    Row("app info", ("i",)),
    Row(
        "sig", (), {"--key": ("-k",), "--x5c": ("-x",), "--pubkey": ("-p",), "--cacerts": ("-c",)},
        {
            "--key": "PVR_SIG_KEY", "--x5c": "PVR_X5C_PATH", "--pubkey": "PVR_SIG_PUBKEY",
            "--cacerts": "PVR_SIG_CACERTS",
        },
    ),
    Row(
        "sig add", ("a",),
        {"--part": ("-p",), "--raw": ("-r",), "--include": ("-i",), "--exclude": ("-e",)},
    ),
    Row("sig update", ("up",)),
    Row("sig ls", (), {"--part": ("-p",), "--with-sigs": ("-s",)}),
    Row("dm-convert", ("dmc",)),
    Row("dm-apply", ("dma",)),
    Row("completion", ("com",)),
    Row("help", ("h",)),
)  # fmt: skip
# Read where a key or a root is needed, with their own defaults.
ELSEWHERE = frozenset(["PVR_SIG_KEY", "PVR_X5C_PATH", "PVR_SIG_PUBKEY", "PVR_SIG_CACERTS"])
# Before the command: there is no hub to log in to and no upgrade to refuse.
GLOBAL = (
    IgnoredOption(("--disable-self-upgrade",)),
    IgnoredOption(("-a", "--access-token"), "TOKEN"),
    IgnoredOption(("-b", "--baseurl"), "URL"),
    IgnoredOption(("-r", "--repo-baseurl"), "URL"),
    IgnoredOption(("-c", "--config-dir"), "DIR"),
    IgnoredOption(("-i", "--insecure")),
)


# Commands that need a hub, more of a device than it offers, or settings; docs/published.md lists them too.
ABSENT_HINTS = {
    **dict.fromkeys(
        ("put", "putobjects", "fastcopy", "remoteinfo", "stepinfo", "scan", "ps", "claim",
         "register", "login", "whoami"),
        "to have a device run a state, use pvr post: pvr uses no hub",
    ),
    "self-upgrade": "upgrade it by what installed it",
    "global-config": "use options and the environment: there are no settings",
}  # fmt: skip


def own_name(word: str) -> str:
    """Our name of a command."""
    return next((row.command for row in ROWS if word in row.names), word)


def declare_global(top: argument_parser.Parser) -> None:
    """Add the options that scripts set before the command, and a hint for each command that is not here."""
    top.absent = ABSENT_HINTS
    group = top.add_argument_group("other names")
    _accept_ignored(group, GLOBAL)
    group.add_argument("-d", "--debug", action="store_true", dest="verbose", help="same as --verbose")
    group.add_argument(
        "--http-proxy",
        metavar="URL",
        help="proxy on the way to registries, as http_proxy and https_proxy of the environment",
    )


def variables() -> frozenset[str]:
    """Those of the rows' variables that have a value."""
    named = {variable for row in ROWS for variable in row.variables.values()} - ELSEWHERE
    return frozenset(name for name in named if os.environ.get(name))


def apply(top: argparse.ArgumentParser, given: frozenset[str]) -> None:
    """Lay the rows over those commands of ``top`` that are loaded; ``given`` variables are looked at."""
    for row, parent, name in _loaded(top):
        verbs = argument_parser.verbs(parent)
        for option, others in row.options.items():
            argument_parser.add_spellings(verbs[name], option, others)
        for option, variable in row.variables.items():
            if variable in given:
                argument_parser.default_from(verbs[name], option, variable)
        _accept_ignored(verbs[name], row.ignored)
        argument_parser.rename(parent, name, row.names)


def _accept_ignored(parser: argparse._ActionsContainer, options: tuple[IgnoredOption, ...]) -> None:
    for option in options:
        more: dict[str, Any] = {"metavar": option.metavar} if option.metavar else {"action": "store_true"}
        parser.add_argument(
            *option.flags, dest="ignored", default=argparse.SUPPRESS, help="no effect", **more
        )


def _loaded(top: argparse.ArgumentParser) -> Iterator[tuple[Row, argparse.ArgumentParser, str]]:
    for row in ROWS:
        *above, name = row.command.split()
        parent = top
        for word in above:
            parent = argument_parser.verbs(parent).get(word, parent)
        if name in argument_parser.verbs(parent) and parent.prog.split()[1:] == above:
            yield row, parent, name
