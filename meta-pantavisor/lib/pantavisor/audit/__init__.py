# SPDX-License-Identifier: MIT
"""The independent verifier: judges what is finished, and reports everything that is wrong with it.

It shares the formats (state, signatures: floors 0 and 1, and the verification in ``keys``) with the
writers, and nothing else: ``readers`` read partition tables, file systems, tarballs and trees by the
specifications alone, this package finds what of it is wrong. Nothing is mounted, nothing is written, and no
root is needed.

    report      Report
    content     objects: digest, leaks, what squashfs and verity need; each read once
    storage unit_record boot        a storage tree: boot choice, revisions, links; the boot partition
    bootchain   what a GRUB with keys inside boots, verified by them
    context manifests containers lxc rights squashfs verity signatures     what a state holds and refers to
    demands     what is asked of it
    verify      verify()
"""

from __future__ import annotations

from ..readers import Finding
from .report import AuditError, Report
from .verify import verify

__all__ = ["AuditError", "Finding", "Report", "verify"]
