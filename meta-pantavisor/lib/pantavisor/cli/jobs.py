# SPDX-License-Identifier: MIT
"""The verbs of a build: each runs one JSON job, the same in BitBake and by hand.

What only one verb needs is imported by it, here and in the other commands: starting must stay quick.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Optional, Union

from .. import atomic, jobs
from ..errors import FormatError
from . import epoch
from .console import Console

ImageJob = Union[jobs.BuildRoot, jobs.CheckImage]


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add export-container, export-bsp, build-root and check-image."""
    for name, text, run in (
        ("export-container", "make the export of a container from an OCI layout", _export_container),
        ("export-bsp", "make the export of the bsp from kernel, initramfs and modules", _export_bsp),
        ("build-root", "make the disk image from exports", _build_root),
        ("check-image", "verify a disk image that another tool laid out", _check_image),
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
    from .. import factory

    job = jobs.load(options.job, jobs.BuildRoot)
    bills = _bills(job)
    factory.build(job, pin=_pin(), log=console.line, warn=console.warn)
    _write_bills(bills, job.output, job, console)


def _check_image(options: argparse.Namespace, console: Console) -> None:
    from .. import factory

    job = jobs.load(options.job, jobs.CheckImage)
    bills = _bills(job)
    factory.check_laid_out(job)
    console.line(f"{job.image} passed pvr verify --strict")
    _write_bills(bills, job.image, job, console)


def _bills(job: ImageJob) -> dict[str, Path]:
    """The files of the bills of materials by their formats, wrong ones refused before work begins."""
    from .. import sbom

    if isinstance(job, jobs.BuildRoot) and job.board is None and job.sbom:
        raise FormatError(
            "a storage partition alone has no bill of materials",
            hint="name formats in the job that checks the image",
        )
    return {form: sbom.path_of(job.output, form) for form in job.sbom}


def _write_bills(bills: dict[str, Path], image: Path, job: ImageJob, console: Console) -> None:
    from .. import sbom

    for form, path in bills.items():
        built = _built(job) if form == "spdx" else []
        atomic.write(path, sbom.render(image, form, created=epoch.rfc3339(job.epoch), built=built))
        console.line(f"{path} is written")


def _built(job: ImageJob) -> list[tuple[str, Path]]:
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
