# SPDX-License-Identifier: MIT
"""The packages of a root file system: which files list them, and what all of them have together.

A caller asks ``limit_of`` about each regular file, gives what it reads to ``add`` or ``add_program``, in
any order, and takes ``inventory`` in the end. A damaged file does not stop it, and becomes a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Optional

from .. import names
from ..errors import FormatError
from . import apk, dpkg, golang, npm, pypi, rpm
from .model import DEB, OPKG, Distribution, Inventory, Package
from .stanzas import MAX_FIELDS

MIB = 1024 * 1024
MAX_PACKAGES = 100_000
MAX_NOTES = 100
MAX_CHARS = 500  # of a name, a version or any other word of a package
_DATABASE = 256 * MIB
_SMALL = 4 * MIB
_PLACES = {
    "dpkg": (r"(?:usr/|var/)lib/dpkg/status(?:\.d/[^/]+(?<!\.md5sums))?", _DATABASE),
    "opkg": (r"(?:usr/|var/)lib/opkg/status", _DATABASE),
    "dpkg-list": (r"var/lib/[do]pkg/info/[^/]+\.list", _SMALL),
    "apk": (r"(?:usr/)?lib/apk/db/installed", _DATABASE),
    "rpm": (r"(?:var/lib/rpm|usr/lib/sysimage/rpm|usr/share/rpm)/rpmdb\.sqlite", _DATABASE),
    "rpm-journal": (r"(?:var/lib/rpm|usr/lib/sysimage/rpm|usr/share/rpm)/rpmdb\.sqlite-wal", 1),
    "rpm-other": (r"(?:var/lib/rpm|usr/lib/sysimage/rpm|usr/share/rpm)/Packages(?:\.db)?", 1),
    "pypi": (r"(?:.*/)?[^/]+(?:\.dist-info/METADATA|\.egg-info(?:/PKG-INFO)?)", pypi.HEAD_BYTES),
    "npm": (r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/]+/package\.json", _SMALL),
    "npm-lock": (r"(?!(?:.*/)?node_modules/)(?:.*/)?package-lock\.json", 16 * MIB),
    "os-release": (r"(?:etc|usr/lib)/os-release", 64 * 1024),
}
_CUT = ("pypi", "rpm-other", "rpm-journal")  # of these the beginning is enough
_KIND = re.compile("|".join(f"(?P<{kind.replace('-', '_')}>{form})" for kind, (form, _) in _PLACES.items()))
_OWNED = re.compile(r"\.dist-info/METADATA$|\.egg-info(?:/PKG-INFO)?$|/package(?:-lock)?\.json$")


def limit_of(path: str) -> int:
    """How many bytes of the file at ``path`` are read, from its start; 0 for a file of no interest."""
    kind = _kind(path)
    return _PLACES[kind][1] if kind else 0


def may_be_go(path: str, size: int, mode: int) -> bool:
    """Whether a file of ``size`` bytes may be a program that has build information of Go."""
    return bool(mode & 0o111) and size >= golang.MIN_BYTES and ".so" not in path.rpartition("/")[2]


def _kind(path: str) -> Optional[str]:
    found = _KIND.fullmatch(path)
    return found.lastgroup.replace("_", "-") if found and found.lastgroup else None


class Collector:
    """What was read so far."""

    def __init__(self) -> None:
        self._packages: list[Package] = []
        self._owned: set[str] = set()
        self._releases: dict[str, Distribution] = {}
        self._notes: list[str] = []

    def add(self, path: str, data: bytes) -> None:
        """A file of which limit_of() gave a number, whole or up to that."""
        kind = _kind(path)
        assert kind, path
        try:
            if len(data) >= _PLACES[kind][1] and kind not in _CUT:
                raise FormatError(f"it is larger than the {_PLACES[kind][1]} bytes that are read")
            self._add(kind, path, data)
        except FormatError as error:
            self.note(f"{path} is not read: {error.message}")

    def add_program(self, path: str, read: golang.Read) -> None:
        """A file for which may_be_go() is true."""
        try:
            self._take(path, golang.packages(read))
        except FormatError as error:
            self.note(f"{path} is not read: {error.message}")

    def note(self, sentence: str) -> None:
        """One thing that could not be read."""
        if len(self._notes) < MAX_NOTES:
            self._notes.append(sentence)

    def _add(self, kind: str, path: str, data: bytes) -> None:
        if kind in ("dpkg", "opkg"):
            self._take(path, dpkg.packages(data, DEB if kind == "dpkg" else OPKG))
        elif kind == "dpkg-list":
            self._own(dpkg.files(data))
        elif kind == "apk":
            self._take(path, apk.packages(data))
            self._own(apk.files(data))
        elif kind == "rpm":
            for header in rpm.headers(data):
                self._take(path, [header.package()])
                self._own(header.files())
        elif kind == "rpm-journal":
            if data:
                raise FormatError("what it holds is not yet in the database, so packages may be missing")
        elif kind == "rpm-other":
            name = "ndb" if path.endswith(".db") else "Berkeley DB"
            raise FormatError(f"rpm databases in the format {name} cannot be read here")
        elif kind == "pypi":
            self._take(path, pypi.packages(data))
        elif kind == "npm":
            self._take(path, npm.packages(data))
        elif kind == "npm-lock":
            self._take(path, npm.locked(data))
        else:
            self._release(path, data)

    def _take(self, path: str, packages: Iterable[Package]) -> None:
        for package in packages:
            words = (package.name, package.version, package.architecture, package.source,
                     package.source_version, package.licence)  # fmt: skip
            if len(self._packages) >= MAX_PACKAGES:
                raise FormatError(f"there are more than {MAX_PACKAGES} packages")
            if not package.name or any(len(word) > MAX_CHARS for word in words[:5]):
                raise FormatError("it has a package without a name, or with one that is too long")
            if not all(map(names.has_bytes, words)):
                raise FormatError("it has a package whose words are not Unicode")
            self._packages.append(Package(package.kind, *words[:5], words[5][:MAX_CHARS], path))

    def _own(self, paths: Iterable[str]) -> None:
        # Only these are asked for, out of all files of a distribution.
        self._owned.update(path for path in paths if _OWNED.search(path))

    def _release(self, path: str, data: bytes) -> None:
        fields = {}
        for line in data.decode("utf-8", "replace").split("\n")[:MAX_FIELDS]:
            name, _, value = line.partition("=")
            fields[name] = value.strip().strip("\"'")
        name, version = fields.get("ID", ""), fields.get("VERSION_ID", "")
        if name:
            self._releases[path] = Distribution(name[:MAX_CHARS], version[:MAX_CHARS])

    def inventory(self) -> Inventory:
        """Each package once, in order. A lock file counts only without a ``node_modules`` next to it."""
        folders = {place.partition("node_modules/")[0] for place in self._places("/package.json")}
        kept: dict[tuple[str, ...], Package] = {}
        for package in sorted(self._packages):
            folder, _, name = package.place.rpartition("/")
            bundled = name == "package-lock.json" and (f"{folder}/" if folder else "") in folders
            if not bundled:
                key = package.kind, package.name, package.version, package.architecture
                owned = package.place in self._owned
                if key not in kept or kept[key].owned and not owned:
                    kept[key] = replace(package, owned=owned)
        release = self._releases.get("etc/os-release") or self._releases.get("usr/lib/os-release")
        return Inventory(tuple(kept.values()), release, tuple(sorted(self._notes)))

    def _places(self, ending: str) -> set[str]:
        return {package.place for package in self._packages if package.place.endswith(ending)}
