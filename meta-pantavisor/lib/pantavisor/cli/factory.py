# SPDX-License-Identifier: MIT
"""``pvr factory``: finished images onto disks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PantavisorError
from .console import Console, count

if TYPE_CHECKING:
    from ..factory import Flashed

INTERRUPTED_STATUS = 130


class Interrupted(PantavisorError):
    """Ctrl-C, where it leaves something behind."""

    exit_status = INTERRUPTED_STATUS


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``factory`` with flash."""
    noun = commands.add_parser("factory", help="write images to disks")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    flash = verbs.add_parser(
        "flash",
        help="write an image to several disks at once, and read it back",
        description=(
            "Write a disk image to several disks at once by its block map, IMAGE.bmap, and read all of it "
            "back. A disk that fails, or is interrupted, is left without a partition table, so nothing "
            "boots from it. What is mounted, a partition, too small or write-protected is refused before "
            "anything is written."
        ),
    )
    flash.add_argument("image", type=Path, metavar="IMAGE", help="the disk image, next to its block map")
    flash.add_argument(
        "--to", dest="targets", action="append", type=Path, required=True, metavar="DISK",
        help="a disk whose content is lost, such as /dev/sdb; again for each further one",
    )  # fmt: skip
    flash.add_argument("--json", action="store_true", help="the report for programs")
    flash.set_defaults(run=_flash)


def _flash(options: argparse.Namespace, console: Console) -> None:
    from .. import factory

    label = f"{options.image.name} to {count(options.targets, 'disk')}"
    flashed = factory.flash(
        options.image,
        options.targets,
        progress=lambda done, total: console.progress(label, done, total),
    )
    if options.json:
        console.json([_row(one) for one in flashed])
    else:
        for one in flashed:
            console.result(_sentence(one))
    _raise_for_failures(flashed)


def _row(one: Flashed) -> dict[str, object]:
    return {
        "bytes": one.bytes,
        "good": one.good,
        "problem": one.problem,
        "seconds": round(one.seconds, 3),
        "target": str(one.target),
    }


def _sentence(one: Flashed) -> str:
    if one.problem is None:
        return f"{one.target}: {one.bytes} bytes written and read back in {one.seconds:.1f} s"
    return f"{one.target}: FAILED, and has no partition table: {one.problem}"


def _raise_for_failures(flashed: Sequence[Flashed]) -> None:
    failed = [one for one in flashed if not one.good]
    if not failed:
        return
    sentence = (
        f"{len(failed)} of {count(flashed, 'disk')} failed: {', '.join(str(one.target) for one in failed)}"
    )
    if any(one.interrupted for one in failed):
        raise Interrupted(f"interrupted: {sentence}", hint="flash again what has failed")
    raise PantavisorError(sentence, hint="flash it again, and take the disk out of use if it fails again")
