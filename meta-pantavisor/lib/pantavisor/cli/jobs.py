# SPDX-License-Identifier: MIT
"""The verbs of a build: each runs one JSON job, the same in BitBake and by hand.

What only one verb needs is imported by it, here and in the other commands: starting must stay quick.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Optional

from .. import atomic, jobs
from . import epoch
from .console import Console


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add export-container, export-bsp and build-root."""
    for name, text, run in (
        ("export-container", "make the export of a container from an OCI layout", _export_container),
        ("export-bsp", "make the export of the bsp from kernel, initramfs and modules", _export_bsp),
        ("build-root", "make the disk image from exports", _build_root),
    ):
        command = commands.add_parser(name, help=text, description=f"Run a job: {text}.")
        command.add_argument("--job", type=Path, required=True, metavar="FILE", help="the job, a JSON file")
        command.set_defaults(run=run)


def _export_container(options: argparse.Namespace, console: Console) -> None:
    from .. import container
    from . import cache

    job = jobs.load(options.job, jobs.ExportContainer)
    made = container.export_container(job, pin=_pin(), cache=cache.from_environment(console))
    for warning in made.warnings:
        console.warn(warning)
    for note in made.notes:
        console.line(f"note: {note}")
    console.line(f"{job.output} is written")


def _export_bsp(options: argparse.Namespace, console: Console) -> None:
    from .. import bsp
    from . import cache

    job = jobs.load(options.job, jobs.ExportBsp)
    bsp.export_bsp(job, pin=_pin(), cache=cache.from_environment(console))
    console.line(f"{job.output} is written")


def _build_root(options: argparse.Namespace, console: Console) -> None:
    from .. import factory, sbom

    job = jobs.load(options.job, jobs.BuildRoot)
    bills = {form: sbom.path_of(job.output, form) for form in job.sbom}
    factory.build(job, pin=_pin(), log=console.line, warn=console.warn)
    for form, path in bills.items():
        built = _built(job) if form == "spdx" else []
        atomic.write(path, sbom.render(job.output, form, created=epoch.rfc3339(job.epoch), built=built))
        console.line(f"{path} is written")


def _built(job: jobs.BuildRoot) -> list[tuple[str, Path]]:
    """The parts of exports, with the documents about them."""
    from .. import export

    return [
        (part, path)
        for exported, paths in (job.built or {}).items()
        for part in export.read_state(Path(exported)).part_names()
        for path in paths
    ]


def _pin() -> Optional[str]:
    from .key_options import PIN_VARIABLE

    return os.environ.get(PIN_VARIABLE)
