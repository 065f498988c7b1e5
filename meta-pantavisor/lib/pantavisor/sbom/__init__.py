# SPDX-License-Identifier: MIT
"""Bills of materials: what a state is made of, in the formats that others read.

subject     what is listed: a state, its parts, their files and packages
spdx        as SPDX 3.0.1
cyclonedx   as CycloneDX 1.6
joined      documents that builds wrote about parts, taken into that of SPDX
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from .. import names
from ..errors import FormatError
from . import cyclonedx, joined, spdx
from .subject import Component, ListedPart, Subject, subject

FORMATS = {"spdx": spdx.document, "cyclonedx": cyclonedx.document}
SUFFIXES = {"spdx": ".spdx.json", "cyclonedx": ".cdx.json"}  # of files, as the specifications have it

__all__ = ["FORMATS", "SUFFIXES", "Component", "ListedPart", "Subject", "path_of", "render", "subject"]


def path_of(image: Path, form: str) -> Path:
    """Where the document about an image is, next to it. Raises FormatError for an unknown format."""
    if form not in FORMATS:
        raise names.unknown(form, FORMATS, what="format of a bill of materials")
    return image.with_name(image.name.removesuffix(".img") + SUFFIXES[form])


def render(target: Path, form: str, *, created: str, built: Iterable[tuple[str, Path]] = ()) -> bytes:
    """The document about a disk image, storage tree, export or repository in a format of FORMATS. The same
    state, created at the same time of RFC 3339, makes the same bytes. ``built`` are parts with documents in
    SPDX that builds wrote about them, which are taken in. Raises FormatError, LimitError and NotFound.
    """
    found = subject(target)
    document = FORMATS[form](found, created)
    parts = [part.name for part in found.parts]
    for part, path in built:
        if form != "spdx":
            raise FormatError(f"{path} is in SPDX, and cannot be taken into {form}", hint="use spdx")
        if part not in parts:
            raise names.unknown(part, parts, what=f"part of {target}:")
        joined.join(document, spdx.identifier(found, part), path)
    # Numbers of others that are not whole are Decimal.
    return json.dumps(document, indent=1, sort_keys=True, default=joined.number).encode() + b"\n"
