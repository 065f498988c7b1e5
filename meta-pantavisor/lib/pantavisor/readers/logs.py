# SPDX-License-Identifier: MIT
"""The logs of a storage tree: what containers wrote to their consoles, and the runtime's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from .findings import printable
from .target import Entry, Storage

RUNTIME = "pantavisor"  # the name that no container's log has
_PLACE = re.compile(r"logs/([0-9]+|locals/[^/]+)/([^/]+)/(console|pantavisor)\.log(\.1)?")
_CURRENT = "logs/current"
MAX_LINE_BYTES = 64 * 1024  # a longer one is shown in pieces


@dataclass(frozen=True)
class Log:
    """Of ``source``, a container or RUNTIME, in one revision; ``parts`` are its files, the older one
    first. Their names are printable.
    """

    revision: str
    source: str
    parts: tuple[Entry, ...]


def logs(storage: Storage) -> tuple[Log, ...]:
    """All logs, by revision and source."""
    found: dict[tuple[str, str], list[tuple[bool, Entry]]] = {}
    for path, entry in storage.entries.items():
        match = _PLACE.fullmatch(path)
        if match is None or entry.kind != "file" or (match[3] == RUNTIME) != (match[2] == RUNTIME):
            continue
        revision, source = printable(match[1]), printable(match[2])
        found.setdefault((revision, source), []).append((match[4] is None, entry))
    return tuple(
        Log(revision, source, tuple(entry for _, entry in sorted(parts, key=lambda part: part[0])))
        for (revision, source), parts in sorted(found.items())
    )


def last_revision(storage: Storage) -> Optional[str]:
    """The revision that ran last, as far as the storage shows it; printable. Raises Damaged."""
    entry = storage.entries.get(_CURRENT)
    return printable(storage.link_target(entry)) if entry is not None and entry.kind == "link" else None


def log_lines(storage: Storage, log: Log) -> Iterator[str]:
    """The lines of a log, with what could bend a terminal spelled out. Raises Damaged where it cannot be
    read.
    """
    rest = b""
    for part in log.parts:
        for chunk in storage.chunks(part):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield _shown(line)
            if len(rest) > MAX_LINE_BYTES:
                yield _shown(rest)
                rest = b""
    if rest:
        yield _shown(rest)


def _shown(line: bytes) -> str:
    # Consoles end their lines as terminals do.
    return "\t".join(map(printable, line.decode("utf-8", "replace").strip("\r").split("\t")))
