# SPDX-License-Identifier: MIT
"""Databases of packages, as bytes: what each names, and that damage becomes a note."""

from __future__ import annotations

import json
import lzma
import random
import time
import tracemalloc
from pathlib import Path

import pytest
from pantavisor.packages import Collector, Distribution, Inventory, Package, limit_of, may_be_go, purl
from pantavisor.packages import inventory as inventory_module
from sim import golang

RPMDB = Path(__file__).parents[1] / "vectors/packages/rpmdb.sqlite.xz"
STATUS = b"""Package: bash
Essential: yes
Status: install ok installed
Architecture: amd64
Source: bash (5.2)
Version: 5.2-2+b8
Description: shell
 Package: not-a-field
 .

Package: gone
Status: deinstall ok config-files
Version: 1

Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9

"""
APK = b"""C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
o:musl
L:MIT
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

P:py3-six
V:1.16.0-r9
A:noarch
o:py3-six
L:MIT
F:usr/lib/python3.12/site-packages/six.dist-info
R:METADATA

"""
SIX = b"Metadata-Version: 2.1\nName: Six_Pack.age\nVersion: 1.16.0\nLicense: MIT\n\nName: no\n"


def read(files: dict[str, bytes]) -> Inventory:
    collector = Collector()
    for path, data in files.items():
        assert limit_of(path), path
        collector.add(path, data[: limit_of(path)])
    return collector.inventory()


def names(found: Inventory) -> list[str]:
    return [f"{package.kind} {package.name} {package.version}" for package in found.packages]


def test_dpkg_names_what_is_installed_with_its_source() -> None:
    found = read({"var/lib/dpkg/status": STATUS})
    assert found.packages == (
        Package("deb", "bash", "5.2-2+b8", "amd64", "bash", "5.2", place="var/lib/dpkg/status"),
        Package("deb", "libc6", "2.36-9", "amd64", "glibc", "2.36-9", place="var/lib/dpkg/status"),
    )


def test_distroless_images_have_a_file_for_each_package_without_a_status() -> None:
    found = read({"var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2025b\nArchitecture: all\n"})
    assert names(found) == ["deb tzdata 2025b"]
    assert limit_of("var/lib/dpkg/status.d/tzdata.md5sums") == 0


def test_opkg_is_read_as_dpkg() -> None:
    assert names(read({"var/lib/opkg/status": STATUS})) == ["opkg bash 5.2-2+b8", "opkg libc6 2.36-9"]


def test_apk_names_packages_and_owns_what_they_brought_of_python() -> None:
    place = "usr/lib/python3.12/site-packages/six.dist-info/METADATA"
    found = read({"lib/apk/db/installed": APK, place: SIX, "opt/six.dist-info/METADATA": SIX})
    assert names(found) == ["apk musl 1.2.5-r0", "apk py3-six 1.16.0-r9", "pypi six-pack.age 1.16.0"]
    # It is in the image twice, and once not by the distribution.
    assert [package.owned for package in found.packages] == [False, False, False]
    assert [package.owned for package in read({"lib/apk/db/installed": APK, place: SIX}).packages] == [
        False, False, True,
    ]  # fmt: skip


def test_rpm_is_read_from_its_own_database() -> None:
    found = read({"usr/lib/sysimage/rpm/rpmdb.sqlite": lzma.decompress(RPMDB.read_bytes())})
    place = "usr/lib/sysimage/rpm/rpmdb.sqlite"
    assert found.notes == ()
    assert found.packages == (Package("rpm", "tiny", "2:1.4-3", "noarch", "tiny", "2:1.4-3", "MIT", place),)


def test_what_an_rpm_brought_of_python_is_owned() -> None:
    place = "usr/lib/python3.11/site-packages/tiny.dist-info/METADATA"
    database = lzma.decompress(RPMDB.read_bytes())
    found = read({"var/lib/rpm/rpmdb.sqlite": database, place: SIX})
    assert [package.owned for package in found.packages if package.kind == "pypi"] == [True]


@pytest.mark.parametrize("path, word", [("Packages", "Berkeley DB"), ("Packages.db", "ndb")])
def test_other_databases_of_rpm_are_a_note(path: str, word: str) -> None:
    found = read({f"var/lib/rpm/{path}": b"\0" * 4096})
    assert found.packages == () and word in found.notes[0]


def test_a_journal_that_was_not_merged_is_a_note() -> None:
    assert read({"var/lib/rpm/rpmdb.sqlite-wal": b""}).notes == ()
    assert "may be missing" in read({"var/lib/rpm/rpmdb.sqlite-wal": b"x"}).notes[0]


@pytest.mark.parametrize(
    "path", ["a.dist-info/METADATA", "usr/a.egg-info", "usr/lib/a-1.egg-info/PKG-INFO"]
)
def test_python_packages_have_the_name_of_their_package_url(path: str) -> None:
    (package,) = read({path: SIX}).packages
    assert (package.kind, package.name, package.version) == ("pypi", "six-pack.age", "1.16.0")
    assert package.licence == "MIT"


def manifest(name: str, version: str) -> bytes:
    return json.dumps({"name": name, "version": version, "license": {"type": "ISC"}}).encode()


def test_npm_packages_are_those_in_node_modules() -> None:
    found = read(
        {
            "app/node_modules/left/package.json": manifest("left", "1.0.0"),
            "app/node_modules/left/node_modules/@a/b/package.json": manifest("@a/b", "2.0.0"),
        }
    )
    assert names(found) == ["npm @a/b 2.0.0", "npm left 1.0.0"]
    assert {package.licence for package in found.packages} == {"ISC"}
    assert limit_of("app/package.json") == limit_of("app/node_modules/left/lib/package.json") == 0


def test_a_lock_counts_where_there_is_no_node_modules_next_to_it() -> None:
    lock = json.dumps(
        {
            "packages": {
                "": {"name": "app", "version": "9"},
                "node_modules/left": {"version": "1.0.0"},
                "node_modules/left/node_modules/@a/b": {"version": "2.0.0"},
                "node_modules/tool": {"version": "3.0.0", "dev": True},
            }
        }
    ).encode()
    assert names(read({"srv/package-lock.json": lock})) == ["npm @a/b 2.0.0", "npm left 1.0.0"]
    for folder in ("", "srv/"):
        files = {
            f"{folder}package-lock.json": lock,
            f"{folder}node_modules/left/package.json": manifest("left", "1.0.1"),
        }
        assert names(read(files)) == ["npm left 1.0.1"]


@pytest.mark.parametrize("form, order", [("inline", "<"), ("pointers", "<"), ("pointers", ">")])
def test_go_programs_name_their_modules_in_both_formats(form: str, order: str) -> None:
    data = golang.program(form, order)
    collector = Collector()
    collector.add_program("bin/app", lambda start, size: data[start : start + size])
    assert names(collector.inventory()) == [
        "golang a.b/c v1.2.3", "golang example.com/app ", "golang g.h/i v2.0.0", "golang stdlib 1.22.1",
    ]  # fmt: skip


def test_only_large_programs_are_looked_into() -> None:
    assert may_be_go("usr/bin/app", 2**20, 0o755)
    assert not may_be_go("usr/bin/app", 2**20, 0o644)
    assert not may_be_go("usr/bin/app", 2**18, 0o755)
    assert not may_be_go("usr/lib/libx.so.1", 2**20, 0o755)


def test_other_programs_and_scripts_are_not_of_go() -> None:
    collector = Collector()
    for data in (
        b"#!/bin/sh\n" * 100,
        b"",
        b"\x7fELF",
        golang.program("inline").replace(b"buildinf", b"XXXXXXXX"),
    ):
        collector.add_program("bin/x", lambda start, size, data=data: data[start : start + size])
    assert collector.inventory() == Inventory()


def test_os_release_names_the_distribution() -> None:
    found = read(
        {
            "usr/lib/os-release": b"ID=debian\n",
            "etc/os-release": b'NAME="A b"\nID="alpine"\nVERSION_ID=3.20.1\n',
        }
    )
    assert found.distribution == Distribution("alpine", "3.20.1")


@pytest.mark.parametrize(
    "path, data",
    [
        ("node_modules/a/package.json", b"{"),
        ("node_modules/a/package.json", b"[]"),
        ("package-lock.json", b"\xff"),
        ("var/lib/rpm/rpmdb.sqlite", b"nothing"),
        ("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0" + bytes(200)),
        ("var/lib/dpkg/status", b"Package: a\nVersion: " + b"1" * 501),
    ],
)
def test_damage_is_a_note_that_names_the_file(path: str, data: bytes) -> None:
    found = read({path: data, "lib/apk/db/installed": APK})
    assert len(found.notes) == 1 and found.notes[0].startswith(f"{path} is not read: ")
    assert len(found.packages) == 2


def test_too_many_packages_are_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory_module, "MAX_PACKAGES", 1)
    found = read({"lib/apk/db/installed": APK})
    assert len(found.packages) == 1 and "more than 1 packages" in found.notes[0]


@pytest.mark.parametrize("seed", range(30))
def test_bent_databases_and_programs_never_stop_the_reading(seed: int) -> None:
    source = random.Random(seed)
    for path, data in originals().items():
        # Where there is something: most of the database is zeros.
        places = [index for index, byte in enumerate(data) if byte]
        for _ in range(10):
            bent = bytearray(data)
            for place in source.sample(places, source.randrange(1, 40)):
                bent[place] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
            whole = bytes(bent if source.random() < 0.8 else bent[: source.randrange(len(bent))])
            if path == "bin/app":
                Collector().add_program(path, lambda start, size, data=whole: data[start : start + size])
            else:
                read({path: whole})


def originals() -> dict[str, bytes]:
    return {
        "var/lib/rpm/rpmdb.sqlite": lzma.decompress(RPMDB.read_bytes()),
        "var/lib/dpkg/status": STATUS,
        "lib/apk/db/installed": APK,
        "a.dist-info/METADATA": SIX,
        "bin/app": golang.program("inline"),
    }


@pytest.mark.parametrize(
    "package, url",
    [
        (Package("deb", "libstdc++6", "1:12.2-14+b1", "amd64", "gcc-12", "12.2-14"),
         "pkg:deb/debian/libstdc%2B%2B6@1:12.2-14%2Bb1?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2-14"),
        (Package("rpm", "curl", "1:8.0-1.fc40", "x86_64", "curl", "1:8.0-1.fc40"),
         "pkg:rpm/debian/curl@8.0-1.fc40?arch=x86_64&distro=debian-12&epoch=1"),
        (Package("apk", "musl", "1.2.5-r0", "x86_64", "musl", "1.2.5-r0"),
         "pkg:apk/debian/musl@1.2.5-r0?arch=x86_64&distro=debian-12"),
        (Package("pypi", "ruamel.yaml", "0.18"), "pkg:pypi/ruamel.yaml@0.18"),
        (Package("npm", "@Babel/core", "7.0.0"), "pkg:npm/%40babel/core@7.0.0"),
        (Package("golang", "github.com/Azure/ANSI", "v0.1.0"), "pkg:golang/github.com/azure/ansi@v0.1.0"),
        (Package("golang", "example.com/app", ""), "pkg:golang/example.com/app"),
    ],
)  # fmt: skip
def test_package_urls_are_those_of_the_specification(package: Package, url: str) -> None:
    assert purl(package, Distribution("debian", "12")) == url


def test_half_of_a_surrogate_pair_is_no_word() -> None:
    data = b'{"name": "a", "version": "1", "license": "\\ud800"}'
    found = read({"node_modules/a/package.json": data})
    assert found.packages == () and "is not read" in found.notes[0]


def overlapping(cells: int) -> bytes:
    """A database of two pages; the cells of the second, a table of packages, are all the same one."""
    size, number = 65536, b"\x81\x9c\x23"  # 20003
    schema = b"\x1d\x01\x06\x17\x1d\x1d\x01\x0ftablePackagesPackages\x02x"
    row = number + b"\x01" + number + bytes(20_000)
    first, second = bytearray(size), bytearray(size)
    first[:21] = b"SQLite format 3\0\0\1\1\1\0"
    for page, head, count, cell in ((first, 100, 1, schema), (second, 0, cells, row)):
        place = size - len(cell)
        page[head : head + 5] = b"\x0d\0\0" + count.to_bytes(2, "big")
        page[head + 8 : head + 8 + 2 * count] = place.to_bytes(2, "big") * count
        page[place:] = cell
    return bytes(first + second)


def test_rows_that_share_their_bytes_are_not_read_again_and_again() -> None:
    begin = time.process_time()
    found = read({"var/lib/rpm/rpmdb.sqlite": overlapping(200)})
    assert "overlap" in found.notes[0] and time.process_time() - begin < 1


def test_many_lines_take_little_memory() -> None:
    data = b"ab\n" * 200_000
    for path in ("var/lib/dpkg/status", "lib/apk/db/installed"):
        tracemalloc.start()
        try:
            assert read({path: data}).packages == ()
            assert tracemalloc.get_traced_memory()[1] < 4 * len(data)
        finally:
            tracemalloc.stop()


def test_a_list_of_modules_that_no_compiler_writes_is_a_note() -> None:
    # Thousands of programs may have one and the same, which takes no room in a squashfs.
    size = 1024 * 1024
    data = golang.program("inline")
    at = data.index(b"go1.22.1") + len(b"go1.22.1")
    data = data[:at] + bytes([128, 128, size >> 14]) + bytes(size)
    collector = Collector()
    collector.add_program("usr/bin/app", lambda start, count: data[start : start + count])
    assert collector.inventory().packages == () and "is not read" in collector.inventory().notes[0]
