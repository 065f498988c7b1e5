# SPDX-License-Identifier: MIT
"""A disk image that another tool laid out, such as wic, from the storage partition that build() made."""

from __future__ import annotations

from .. import audit, jobs
from ..errors import FormatError
from ..readers import Findings, OpenFile, Reader, opened
from ..readers.target import CHUNK
from .first_revision import read_signers


def check_laid_out(job: jobs.CheckImage) -> None:
    """See that the image passes the independent verifier, and has ``job.storage`` in it bit for bit.

    Raises FormatError, AuditError, NotFound.
    """
    signers = read_signers(job.signers)
    report = audit.verify(
        job.image, trust=job.trust.read_bytes(), strict=True, signers=signers, needs_set=job.needs_set
    )
    report.raise_for_findings()
    with opened(job.image, Findings()) as found:
        start = found.contents.storage_start
    with OpenFile(job.image) as image, OpenFile(job.storage) as storage:
        if start is None or not _begins_with(image.window(start, image.size - start), storage):
            raise FormatError(
                f"the storage partition in {job.image} is not {job.storage.name} bit for bit",
                hint="write its line of the wks without --label, --fsuuid and --mkfs-extraopts",
            )


def _begins_with(window: Reader, storage: Reader) -> bool:
    return all(
        window.pread(CHUNK, at)[: storage.size - at] == storage.pread(CHUNK, at)
        for at in range(0, storage.size, CHUNK)
    )
