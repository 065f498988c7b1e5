# SPDX-License-Identifier: MIT
"""The command ``pvr``: reads words and the environment, calls the library, prints.

Results go to stdout, progress and errors to stderr. Exit status: 0 done, 1 a bug of ours, 2 a mistake of
the user, 130 interrupted.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Optional

from .. import __version__
from ..errors import PantavisorError
from . import argument_parser, environment, failures, outputs, published
from .console import Console, discard, open_missing, write_stderr

# The commands of each module. Only the module of the command given is loaded: loading all takes longer than
# most of them.
MODULES = {
    "repository": ("init", "add", "json", "commit", "status", "diff", "checkout", "clone", "gc"),
    "transfer": ("get", "merge", "export", "import", "deploy"),
    "post": ("post",),
    "app": ("app", "dm-convert", "dm-apply"),
    "device": ("device",),
    "sig": ("sig",),
    "keys": ("keys",),
    "cache": ("cache",),
    "check": ("verify", "inspect"),
    "logs": ("logs",),
    "disk_image": ("image",),
    "sbom": ("sbom",),
    "vulnerabilities": ("vulnerabilities",),
    "factory": ("factory",),
    "jobs": ("export-container", "export-bsp", "build-root", "check-image"),
    "manual": (),  # what its commands print is about all others
}  # fmt: skip

# Of pvr itself; taken after the command too.
SWITCHES = {
    ("-q", "--quiet"): "print only errors and results",
    ("-v", "--verbose"): "print more of what is done",
}


def parser(command: Optional[str] = None) -> argparse.ArgumentParser:
    """The whole command line, or only what ``command`` needs;
    help, man page and completion come from here.
    """
    owners = [
        module for module, names in MODULES.items() if command and published.own_name(command) in names
    ]
    return _parser(tuple(owners or MODULES), published.variables())


@functools.cache
def _parser(modules: tuple[str, ...], variables: frozenset[str]) -> argparse.ArgumentParser:
    """Built once for each: who calls main() more than once pays for the first."""
    top = argument_parser.Parser(
        prog="pvr",
        description="Work with Pantavisor states, containers and disk images.",
        epilog="Each command has its own --help; pvr man | man -l - shows all.",
    )
    top.add_argument("--version", action="version", version=f"pvr {__version__}")
    volume = top.add_mutually_exclusive_group()
    for switch, text in SWITCHES.items():
        volume.add_argument(*switch, action="store_true", help=text)
    published.declare_global(top)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in modules:
        importlib.import_module(f".{module}", __package__).register(commands)
    top.set_defaults(parser=top)
    argument_parser.describe(top)
    published.apply(top, variables)
    argument_parser.accept_everywhere(top, SWITCHES)
    return top


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command; returns its exit status."""
    open_missing()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal cannot show is not a reason to stop;
        # what JSON cannot hold as it is gets its escape.
        sys.stdout.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if argv is None else argv
    console = Console()
    try:
        options = _parse(words)
        console = Console(quiet=options.quiet, verbose=options.verbose)
        for name, near in environment.misspelt(os.environ):
            console.warn(f'the environment has {name}, which nothing reads; use "{near}"')
        outputs.check(options)
        status = options.run(options, console)
        sys.stdout.flush()
        return int(status or 0)
    except PantavisorError as error:
        console.error(error)
        return error.exit_status
    except KeyboardInterrupt:
        console.line("interrupted; nothing half-written was left behind")
        return 130
    except BrokenPipeError:
        discard(sys.stdout)
        return 0
    except OSError as error:
        return _os_error(error, console)
    except Exception:
        write_stderr(f"{traceback.format_exc()}this is a bug in pvr; please report it with the lines above")
        return 1


def _parse(words: Sequence[str]) -> argparse.Namespace:
    command = next((word for word in words if not word.startswith("-")), None)
    # The version is asked for by scripts, and answered without loading what no command needs.
    only_version = command is None and "--version" in words
    try:
        top = _parser((), published.variables()) if only_version else parser(command)
        found: argparse.Namespace = top.parse_args(words)
        argument_parser.apply_variables(found)
        if found.http_proxy:
            os.environ.update(http_proxy=found.http_proxy, https_proxy=found.http_proxy)
        return found
    except SystemExit:
        # What --help printed may still have nowhere to go.
        sys.stdout.flush()
        raise


def _os_error(error: OSError, console: Console) -> int:
    # A full disk or a missing permission is the user's to correct.
    explained = failures.explain(error)
    if explained is None:
        write_stderr(traceback.format_exc())
        return 1
    console.error(explained)
    try:
        sys.stdout.flush()
    except OSError:
        discard(sys.stdout)
    return 2
