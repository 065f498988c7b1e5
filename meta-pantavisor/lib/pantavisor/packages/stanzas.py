# SPDX-License-Identifier: MIT
"""Texts of stanzas: ``Name: value`` lines, an empty line behind each stanza: deb822(5), which opkg and the
metadata of Python use too.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

MAX_FIELDS = 1000  # of one stanza


def lines(data: bytes) -> Iterator[str]:
    """The lines of a text, one at a time: all of them as strings would take many times its memory."""
    for line in io.BytesIO(data):
        yield line.rstrip(b"\n").decode("utf-8", "replace")


def stanzas(data: bytes) -> Iterator[Mapping[str, str]]:
    """The fields of each stanza, only the first line of each, names in lower case."""
    fields: dict[str, str] = {}
    for line in lines(data):
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
