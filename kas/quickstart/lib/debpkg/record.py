# SPDX-License-Identifier: MIT
"""What a request for packages was answered with, kept next to the packages.

A record is a text file: a line ``# <request>``, then one line ``name version architecture sha256 file`` a
package, sorted. While all its files exist it is the answer to the same request, so an archive that
moved on changes no build and a build without network needs no archive. Remove it to ask again.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import DebError

MAX_RECORD_BYTES = 1024 * 1024
CHUNK = 1024 * 1024  # bytes read at a time
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")
_VERSION = re.compile(r"[A-Za-z0-9.+:~-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, order=True)
class Package:
    """One binary package. ``file`` is the plain name of its .deb."""

    name: str
    version: str
    architecture: str
    sha256: str
    file: str

    @classmethod
    def parse(cls, line: str) -> Package:
        words = line.split(" ")
        if len(words) != 5:
            raise DebError(f'"{line[:200]}" is not "name version architecture sha256 file"')
        package = cls(*words)
        legal = _NAME.fullmatch(package.name) and _VERSION.fullmatch(package.version)
        if not legal or not _NAME.fullmatch(package.architecture) or not _SHA256.fullmatch(package.sha256):
            raise DebError(f'"{line[:200]}" does not name a package')
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9+.~%_-]*\.deb", package.file):
            raise DebError(f'"{package.file[:200]}" is not the name of a package file')
        return package

    def line(self) -> str:
        return f"{self.name} {self.version} {self.architecture} {self.sha256} {self.file}\n"


@dataclass(frozen=True)
class Request:
    """The closure of ``names``, of which only packages that match one of ``keep`` (fnmatch) are kept."""

    distribution: str
    architecture: str
    names: tuple[str, ...]
    keep: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.distribution} {self.architecture} {' '.join(self.names)} keep {' '.join(self.keep)}"

    def file_name(self, label: str) -> str:
        return f"{label}-{hashlib.sha256(str(self).encode()).hexdigest()[:12]}.list"

    def wants(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.keep)


def dumps(request: Request, packages: Iterable[Package]) -> str:
    return f"# {request}\n" + "".join(package.line() for package in sorted(packages))


def parse(text: str, *, request: Request) -> tuple[Package, ...]:
    """The packages of a record. Raises DebError where it answers another request."""
    head, _, body = text.partition("\n")
    if head != f"# {request}":
        raise DebError(f'the record answers "{head[:200]}", not "{request}"')
    return tuple(Package.parse(line) for line in body.splitlines())


def load(path: Path, *, request: Request) -> tuple[Package, ...]:
    if path.stat().st_size > MAX_RECORD_BYTES:
        raise DebError(f"{path} is larger than {MAX_RECORD_BYTES} bytes")
    try:
        return parse(path.read_text(encoding="ascii"), request=request)
    except (DebError, UnicodeDecodeError) as error:
        raise DebError(f"{path}: {error}", hint="remove the file to resolve the packages again") from error


def save(path: Path, text: str) -> None:
    """Write under another name and rename: a record exists whole or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
        os.fchmod(stream.fileno(), 0o644)
    os.replace(name, path)


def missing(packages: Iterable[Package], folder: Path) -> list[Package]:
    """Those of ``packages`` whose file is not in ``folder``.
    Raises DebError for a file with other bytes.
    """
    absent = []
    for package in packages:
        path = folder / package.file
        if not path.exists():
            absent.append(package)
        elif (found := sha256(path)) != package.sha256:
            raise DebError(
                f"{path} has sha256 {found}, not {package.sha256}", hint="remove the file to fetch it again"
            )
    return absent


def sha256(path: Path) -> str:
    hasher = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()
