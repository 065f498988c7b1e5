# SPDX-License-Identifier: MIT
"""``pvr sbom``: what something is made of, for programs of others."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import atomic
from . import artefact, epoch
from .console import Console

FORMATS = ("spdx", "cyclonedx")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add sbom."""
    command = commands.add_parser(
        "sbom",
        help="write a bill of materials",
        description=(
            "List the parts, files and packages of a disk image, storage tree, export or repository in a "
            f"standard format. {epoch.VARIABLE} is its time, so that the same state makes the same bytes."
        ),
    )
    artefact.declare(command, "what to list, of several revisions the highest")
    command.add_argument(
        "--format", choices=FORMATS, default=FORMATS[0], help="SPDX 3.0.1 or CycloneDX 1.6; default: spdx"
    )
    command.add_argument(
        "--built",
        type=_built,
        action="append",
        default=[],
        metavar="PART=FILE",
        help="SPDX document that a build wrote about what is in a part, to be taken in; may be repeated",
    )
    command.add_argument("--out", type=Path, metavar="FILE", help="file to write; default: stdout")
    command.set_defaults(run=_sbom)


def _built(text: str) -> tuple[str, Path]:
    part, equals, path = text.partition("=")
    if not part or not path:
        raise argparse.ArgumentTypeError(f'"{text}" is not PART=FILE')
    return part, Path(path)


def _sbom(options: argparse.Namespace, console: Console) -> None:
    from .. import sbom

    text = sbom.render(options.target, options.format, created=epoch.rfc3339(), built=options.built)
    if options.out:
        atomic.write(options.out, text)
        console.line(f"{options.out} is written")
    else:
        console.result(text.decode().rstrip("\n"))
