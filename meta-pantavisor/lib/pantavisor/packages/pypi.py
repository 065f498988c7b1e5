# SPDX-License-Identifier: MIT
"""Installed Python packages: METADATA of ``.dist-info``, PKG-INFO of ``.egg-info`` (packaging.python.org,
"Core metadata specifications").
"""

from __future__ import annotations

from collections.abc import Iterator

from .model import PYPI, Package
from .stanzas import stanzas

HEAD_BYTES = 64 * 1024  # what is read of a file: the fields come first, a description may follow


def packages(data: bytes) -> Iterator[Package]:
    """The package that the metadata describe, by the name that its package URL has."""
    fields = next(stanzas(data), {})
    if fields.get("name") and fields.get("version"):
        licence = fields.get("license-expression") or fields.get("license", "")
        yield Package(PYPI, fields["name"].lower().replace("_", "-"), fields["version"], licence=licence)
