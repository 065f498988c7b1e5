# SPDX-License-Identifier: MIT
"""The database of rpm in SQLite: a header for each package (rpm's "Package format", Header Structure and
Tags). Those in Berkeley DB and ndb are not read.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import FormatError
from .model import RPM, Package
from .sqlite import Database

MAX_ENTRIES = 4096  # of one header
MAX_FILES = 200_000  # of one package
_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCH, _SOURCE = 1000, 1001, 1002, 1003, 1014, 1022, 1044
_FOLDER_OF, _BASENAMES, _FOLDERS = 1116, 1117, 1118
_INT32, _STRING, _STRINGS, _I18N = 4, 6, 8, 9
# A package that only holds a key to check others by.
_KEYS = "gpg-pubkey"
_SOURCE_NAME = re.compile(r"(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm")


class _Entry(NamedTuple):
    kind: int
    offset: int
    length: int  # in values


class Header:
    """A header as the database has it. Raises FormatError."""

    def __init__(self, blob: bytes) -> None:
        if len(blob) < 8:
            raise FormatError("it has a header that is cut off")
        entries, size = struct.unpack(">II", blob[:8])
        start = 8 + 16 * entries
        if entries > MAX_ENTRIES or start + size != len(blob):
            raise FormatError("it has a header of a wrong length")
        self._store = blob[start:]
        self._entries: dict[int, _Entry] = {}
        for at in range(8, start, 16):
            tag, kind, offset, count = struct.unpack(">IIII", blob[at : at + 16])
            self._entries[tag] = _Entry(kind, offset, count)

    def text(self, tag: int) -> str:
        """A string, or the first of several; empty where the header has none. Raises FormatError."""
        return next(self.texts(tag), "")

    def texts(self, tag: int) -> Iterator[str]:
        """All strings of a tag. Raises FormatError."""
        entry = self._entries.get(tag)
        if entry is None or entry.kind not in (_STRING, _STRINGS, _I18N):
            return
        at = entry.offset
        for _ in range(min(entry.length, MAX_FILES)):
            end = self._store.find(b"\0", at)
            if end < 0:
                raise FormatError("it has a string without an end")
            yield self._store[at:end].decode("utf-8", "replace")
            at = end + 1

    def numbers(self, tag: int) -> tuple[int, ...]:
        """All numbers of a tag. Raises FormatError."""
        entry = self._entries.get(tag)
        if entry is None or entry.kind != _INT32:
            return ()
        count = min(entry.length, MAX_FILES)
        store = self._store[entry.offset : entry.offset + 4 * count]
        if len(store) != 4 * count:
            raise FormatError("it has numbers beyond the end of a header")
        return struct.unpack(f">{count}I", store)

    def package(self) -> Package:
        """Its version is as rpm prints it: ``[epoch:]version-release``. Raises FormatError."""
        epoch = "".join(f"{number}:" for number in self.numbers(_EPOCH)[:1])
        version = f"{epoch}{self.text(_VERSION)}-{self.text(_RELEASE)}"
        source = _SOURCE_NAME.fullmatch(self.text(_SOURCE))
        return Package(
            RPM,
            self.text(_NAME),
            version,
            self.text(_ARCH),
            source[1] if source else self.text(_NAME),
            epoch + source[2] if source else version,
            self.text(_LICENCE),
        )

    def files(self) -> Iterator[str]:
        """The paths of the package, without the first slash. Raises FormatError."""
        folders = tuple(self.texts(_FOLDERS))
        for number, name in zip(self.numbers(_FOLDER_OF), self.texts(_BASENAMES)):
            if number < len(folders):
                yield f"{folders[number]}{name}".lstrip("/")


def headers(data: bytes) -> Iterator[Header]:
    """The header of each package of the database ``rpmdb.sqlite``. Raises FormatError."""
    for row in Database(data).rows("Packages"):
        blob = row[-1] if row else None
        if isinstance(blob, bytes):
            header = Header(blob)
            if header.text(_NAME) != _KEYS:
                yield header
