# SPDX-License-Identifier: MIT
"""``pvr logs``: what containers and the runtime of a device wrote, from its storage."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from .. import names
from ..errors import NotFound, PantavisorError
from .console import Console

if TYPE_CHECKING:
    from ..readers import Log, Storage

_UNWRITTEN = ("ext4-journal", "ext4-state")  # findings about what a cut left


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add logs."""
    show = commands.add_parser(
        "logs",
        help="show what containers wrote",
        description=(
            "Show what the containers of a device, and its runtime, wrote: from its disk image, its disk "
            "or a storage tree. Nothing is mounted and nothing is changed."
        ),
    )
    show.add_argument("target", metavar="IMAGE|DISK|TREE", help="disk image, block device or storage tree")
    show.add_argument(
        "container", nargs="?", metavar="CONTAINER", help="only this one; pantavisor: the runtime itself"
    )
    show.add_argument("--revision", metavar="REVISION", help="default: the one that ran last")
    show.add_argument("--list", action="store_true", help="list revisions, containers and sizes instead")
    show.add_argument(
        "--follow", action="store_true", help="refused, with the way to the log of a device that runs"
    )
    show.set_defaults(run=_run)


def _run(options: argparse.Namespace, console: Console) -> None:
    from .. import readers

    if re.match(r"https?://", options.target):
        raise PantavisorError(
            "a device in the network does not show its logs: who asks there is not known",
            hint="run in the container: pvcontrol logs (docs/control.md); "
            "or switch it off and name its disk, or a copy of that",
        )
    if options.follow:
        raise PantavisorError(
            "what a device that runs writes is not on its disk yet",
            hint="run in the container: pvcontrol logs (docs/control.md); "
            "of a device in QEMU, run: scripts/qemu IMAGE --until TEXT --logs",
        )
    findings = readers.Findings()
    with readers.opened(Path(options.target), findings) as opened:
        if opened.tree is None:
            raise NotFound(
                f"{options.target} has no storage of a device",
                hint="name a disk image, a disk or a storage tree",
            )
        for finding in findings:
            if finding.code in _UNWRITTEN:
                console.warn(f"{finding.sentence}: the last lines may be missing")
        found = _chosen(readers.logs(opened.tree), readers.last_revision(opened.tree), options, console)
        if options.list:
            console.table(
                ("REVISION", "CONTAINER", "BYTES"),
                [(log.revision, log.source, str(sum(part.size for part in log.parts))) for log in found],
            )
            return
        for log in found:
            _print(opened.tree, log, console, named=options.container is None)


def _print(tree: Storage, log: Log, console: Console, *, named: bool) -> None:
    from .. import readers

    before = f"{log.source}: " if named else ""
    for line in readers.log_lines(tree, log):
        console.result(before + line)


def _chosen(
    logs: tuple[Log, ...], last: Optional[str], options: argparse.Namespace, console: Console
) -> tuple[Log, ...]:
    """Those that were asked for, of the revision that ran ``last`` where none is named. Raises
    PantavisorError, with the names that there are.
    """
    if not logs:
        raise NotFound(
            f"{options.target} has no logs",
            hint="run a device from it first, such as scripts/qemu IMAGE --persist",
        )
    revisions = sorted({log.revision for log in logs})
    wanted = options.revision
    if wanted is not None and wanted not in revisions:
        raise names.unknown(wanted, revisions, what="revision with logs:")
    if wanted is None and last in revisions and len(revisions) > 1 and not options.list:
        console.line(f"of {last}, which ran last; --revision names another: {', '.join(revisions)}")
        wanted = last
    if wanted is None and len(revisions) > 1 and not options.list:
        raise PantavisorError(
            f"several revisions have logs: {', '.join(revisions)}", hint=f"use --revision {revisions[0]}"
        )
    found = tuple(log for log in logs if wanted in (None, log.revision))
    sources = sorted({log.source for log in found})
    if options.container is not None and options.container not in sources:
        raise names.unknown(options.container, sources, what="container with a log:")
    return tuple(log for log in found if options.container in (None, log.source))
