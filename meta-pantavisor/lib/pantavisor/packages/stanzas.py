# SPDX-License-Identifier: MIT
"""Texts of stanzas: ``Name: value`` lines, an empty line behind each stanza: deb822(5), which opkg and the
metadata of Python use too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

MAX_FIELDS = 1000  # of one stanza


def stanzas(data: bytes) -> Iterator[Mapping[str, str]]:
    """The fields of each stanza, only the first line of each, names in lower case."""
    fields: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").split("\n"):
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif line[0] not in " \t#" and len(fields) < MAX_FIELDS:
            name, colon, value = line.partition(":")
            if colon:
                fields.setdefault(name.lower(), value.strip())
    if fields:
        yield fields
