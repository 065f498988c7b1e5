# SPDX-License-Identifier: MIT
"""Databases of packages and programs of Go. The first byte of an input decides which one the rest is."""

from __future__ import annotations

import json
import lzma

from pantavisor.packages import Collector, Inventory
from sim import golang

from fuzz.target import VECTORS

GO = "a program"
PLACES = ("var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "lib/apk/db/installed",
          "var/lib/rpm/rpmdb.sqlite", "usr/lib/python3/a-1.dist-info/METADATA",
          "app/node_modules/a/package.json", "app/package-lock.json", "etc/os-release", GO)  # fmt: skip
MAX_CHARS = 500
WORDS = (
    "Package: ", "Version: ", "Status: install ok installed", "Source: ", "\nP:", "\nV:", "\no:", "\nF:",
    "\nR:", "SQLite format 3", "Metadata-Version: ", "Name: ", '"name"', '"version"', '"packages"',
    "node_modules/", "ID=", "VERSION_ID=", "\xff Go buildinf:", "path\t", "mod\t", "dep\t",
)  # fmt: skip


def read(place: str, content: bytes) -> Inventory:
    collector = Collector()
    if place == GO:
        collector.add_program("bin/a", lambda start, size: content[max(start, 0) :][: max(size, 0)])
    else:
        collector.add(place, content)
    return collector.inventory()


def one_input(content: bytes) -> None:
    """Read one input: what is wrong with it is a note, and words are bounded."""
    if not content:
        return
    place, rest = PLACES[content[0] % len(PLACES)], content[1:]
    found = read(place, rest)
    for package in found.packages:
        assert package.name and len(package.name) <= MAX_CHARS and len(package.version) <= MAX_CHARS
        f"{package}".encode()
    assert found == read(place, rest)


def seeds() -> dict[str, bytes]:
    stanza = "Package: curl\nVersion: 1:7.88-1\nArchitecture: amd64\nSource: curl (7.88)\nStatus: {}\n\n"
    texts = {
        PLACES[0]: stanza.format("install ok installed") + stanza.format("deinstall ok config-files"),
        PLACES[1]: "/usr/lib/python3/a-1.dist-info/METADATA\n/bin/a\n",
        PLACES[2]: "P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nL:MIT\nF:lib\nR:libc.so\n\n",
        PLACES[4]: "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\nLicense: MIT\n\nText\n",
        PLACES[5]: json.dumps({"name": "a", "version": "1.0.0", "license": {"type": "MIT"}}),
        PLACES[6]: json.dumps({"packages": {"node_modules/b": {"version": "2.0.0"}}, "lockfileVersion": 3}),
        PLACES[7]: 'ID=debian\nVERSION_ID="12"\n',
    }
    made = {f"text{PLACES.index(place)}": _kind(place) + text.encode() for place, text in texts.items()}
    database = lzma.decompress((VECTORS / "packages/rpmdb.sqlite.xz").read_bytes())
    return {**made, "rpm": _kind(PLACES[3]) + database, "go": _kind(GO) + golang.program("inline")}


def _kind(place: str) -> bytes:
    return bytes([PLACES.index(place)])
