# SPDX-License-Identifier: MIT
"""The database ``installed`` of apk, as version 2 writes it and version 3 does too where it finds one
(apk-package(5), the fields of the wiki's "Apk spec"): ``P`` name, ``V`` version, ``A`` architecture, ``o``
origin, ``L`` licence, ``F`` a directory and ``R`` a file in it. Names differ in case.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from .model import APK, Package
from .stanzas import lines


def packages(data: bytes) -> Iterator[Package]:
    """Each package of the database."""
    fields: dict[str, str] = {}
    for line in chain(lines(data), [""]):
        if line:
            fields.setdefault(line[:1], line[2:].strip())
        elif fields:
            if "P" in fields:
                name, version = fields["P"], fields.get("V", "")
                architecture, origin = fields.get("A", ""), fields.get("o") or name
                yield Package(APK, name, version, architecture, origin, version, fields.get("L", ""))
            fields = {}


def files(data: bytes) -> Iterator[str]:
    """The paths of all packages."""
    folder = ""
    for line in lines(data):
        if line.startswith("F:"):
            folder = line[2:]
        elif line.startswith("R:"):
            yield f"{folder}/{line[2:]}"
