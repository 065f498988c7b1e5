# SPDX-License-Identifier: MIT
"""The independent verifier: judges what is finished, and reports everything that is wrong with it.

It shares the formats (state, signatures: floors 0 and 1, and the verification in ``keys``) with the
writers, and nothing else: ``readers`` read partition tables, file systems, tarballs and trees by the
specifications alone, this package finds what of it is wrong. Nothing is mounted, nothing is written, and no
root is needed.

    verify       verify()
    demands      what is asked of a target in addition to being whole
    report       Report, the verdict
    context      one state under examination, and the place to put findings
    content      objects: digest, leaks, what squashfs and verity need; each read once
    manifests containers lxc rights signatures      what a state holds, and whether it fits together
    squashfs verity                                 volumes
    storage unit_record                             a storage tree: boot choice, revisions, links
    firmware boot bootchain                         what a machine starts, and what it verifies
"""

from __future__ import annotations

from ..readers import Finding
from .report import AuditError, Report
from .verify import verify

__all__ = ["AuditError", "Finding", "Report", "verify"]
