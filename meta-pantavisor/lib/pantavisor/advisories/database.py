# SPDX-License-Identifier: MIT
"""Advisories on this host: JSON files of OSV in a directory, or in the zip files that OSV exports."""

from __future__ import annotations

import errno
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from .. import cjson, regular
from ..errors import FormatError, LimitError, NotFound
from ..packages import Distribution, Inventory, Package
from .osv import Advisory, Name, advisory, affected_names, identifier, is_undecided, name_of, version_of

MAX_FILE_BYTES = 4 * 1024 * 1024  # of one advisory
MAX_ADVISORIES = 2_000_000
# What zipfile and its codecs raise of a damaged file, apart from OSError.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError,
    struct.error,
)  # fmt: skip
HINT = "name a directory or a zip file with advisories of OSV as JSON"


@dataclass(frozen=True)
class Match:
    """A package of a part, and a vulnerability that is known of its version."""

    part: str
    package: Package
    advisory: Advisory


@dataclass(frozen=True)
class SearchResult:
    """``count`` advisories were read; ``notes`` are about packages of which one could not be judged."""

    count: int
    matches: tuple[Match, ...]
    notes: tuple[str, ...]


def search(inventories: Mapping[str, Inventory], source: Path) -> SearchResult:
    """Which of the advisories in ``source`` are about the parts' packages. What a
    distribution's package brought of Python or npm is judged with that package. Raises NotFound,
    FormatError for what is not an advisory, LimitError.
    """
    wanted: dict[Name, list[tuple[str, Package]]] = {}
    for part, inventory in inventories.items():
        for package in inventory.packages:
            name = _name(package, inventory.distribution)
            if name:
                wanted.setdefault(name, []).append((part, package))
    count, found = 0, []
    undecided: dict[tuple[str, Package], list[str]] = {}
    for document in _documents(source):
        count += 1
        for name in affected_names(document) & wanted.keys():
            for part, package in wanted[name]:
                match = advisory(document, name, package)
                if match:
                    found.append(Match(part, package, match))
                elif is_undecided(document, name, package):
                    undecided.setdefault((part, package), []).append(identifier(document))
    if not count:
        raise NotFound(f"{source} holds no advisories", hint=HINT)
    matches = sorted(found, key=lambda item: (item.part, item.package, item.advisory.id))
    notes = [_note(part, package, ids) for (part, package), ids in sorted(undecided.items())]
    return SearchResult(count, tuple(matches), tuple(notes))


def _note(part: str, package: Package, ids: list[str]) -> str:
    more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
    return (
        f"{part}: {package.name} {version_of(package)} cannot be held against {min(ids)}{more}, "
        "whose versions have another form"
    )


def _name(package: Package, distribution: Optional[Distribution]) -> Optional[Name]:
    return None if package.owned else name_of(package, distribution)


def _documents(source: Path) -> Iterator[Mapping[str, Any]]:
    for count, (name, text) in enumerate(_texts(source), 1):
        if count > MAX_ADVISORIES:
            raise LimitError(f"{source} holds more than the {MAX_ADVISORIES} advisories allowed")
        yield cjson.load_object(text, what=name, max_bytes=MAX_FILE_BYTES)


def _texts(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_file():
        yield from _packed(source)
        return
    if not source.is_dir():
        raise NotFound(f"{source} does not exist", hint=HINT)
    for folder, folders, files in os.walk(source):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            if name.endswith(".zip"):
                yield from _packed(path)
            elif name.endswith(".json"):
                with regular.opened(path) as stream:
                    yield str(path), stream.read(MAX_FILE_BYTES + 1)


def _packed(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with regular.opened(path) as stream, zipfile.ZipFile(stream) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    with archive.open(name) as member:
                        yield f"{path}: {name[:200]!r}", member.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # of bzip2, and of a place before the file's start
            raise
        raise _damaged(path, error) from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> FormatError:
    return FormatError(f"{path} is not a sound zip file: {error}", hint=HINT)
