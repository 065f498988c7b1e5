# SPDX-License-Identifier: MIT
"""The independent verifier: reads what was finished, by code of its own, and tells everything that is wrong with it.

It shares the formats (state, signatures: floors 0 and 1, and the verification in ``keys``) with the writers, and
nothing else: partition tables, FAT, ext4, tar, verity trees and storage trees are read by modules of this package that
know only the specifications. Nothing is mounted, nothing is written, and no root is needed.

    report      Finding, Report
    subject     what the kinds of target have in common
    gpt fat ext4 extents crc32c     reading a disk image
    folder tarball                  reading a storage tree or repository, an export
    opening     which kind a target is; its states, objects and tree behind one face
    content     objects: digest, leaks, what squashfs and verity need; each read once
    storage boot                    a storage tree: boot choice, revisions, links; the boot partition
    grub bootchain                  the keys inside a GRUB program; what it boots, verified by them
    context manifests containers lxc rights squashfs verity signatures     what a state says and refers to
    demands     what is asked of a target
    target      verify()
"""

from .report import AuditError, Finding, Report
from .target import verify

__all__ = ["AuditError", "Finding", "Report", "verify"]
