# SPDX-License-Identifier: MIT
"""The databases of dpkg and opkg: ``status``, one file for each package in ``status.d`` of images without
dpkg, and the lists of files (deb822(5), dpkg-query(1)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .model import Package
from .stanzas import lines, stanzas

# Of a package in any other state nothing is in the file system but settings.
INSTALLED = frozenset(["installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"])
_SOURCE = re.compile(r"(\S+)(?:\s+\((.*)\))?")


def packages(data: bytes, kind: str) -> Iterator[Package]:
    """What is installed by a ``status``. A stanza without a status is of ``status.d``, and installed."""
    for fields in stanzas(data):
        status = fields.get("status", "installed").split()
        if "package" not in fields or not status or status[-1] not in INSTALLED:
            continue
        name, version = fields["package"], fields.get("version", "")
        source = _SOURCE.match(fields.get("source", ""))
        yield Package(
            kind,
            name,
            version,
            fields.get("architecture", ""),
            source[1] if source else name,
            source[2] or version if source else version,
        )


def files(data: bytes) -> Iterator[str]:
    """The paths of ``info/<package>.list``, without the first slash."""
    for line in lines(data):
        yield line.lstrip("/")
