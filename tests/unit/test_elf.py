# SPDX-License-Identifier: MIT
"""Programs for another machine are found by their header; the header of this Python and readelf are the
oracles.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pantavisor import elf
from pantavisor.errors import PantavisorError
from pantavisor.layers import Directory, File, LayeredTree, Metadata, Symlink, Tree
from pantavisor.layers.late_reader import Source
from pantavisor.oci import Platform
from sim.layers import layer, member

EXECUTABLE = Metadata(0o755, 0, 0, 0)


def header(bits: int, order: int, machine: int) -> bytes:
    return (
        b"\x7fELF"
        + bytes([bits, order, 1])
        + bytes(9)
        + struct.pack("<HH" if order == 1 else ">HH", 2, machine)
    )


def folder(**entries: object) -> Directory:
    return Directory(EXECUTABLE, {name.encode(): node for name, node in entries.items()})


def program(data: bytes) -> File:
    return File(EXECUTABLE, len(data), data)


def tree(data: bytes) -> Tree:
    return Tree(folder(bin=folder(app=program(data))))


def refuses(found: Tree, executable: str = "/bin/app", platform: str = "linux/arm64") -> bool:
    try:
        elf.check(found, executable, Platform.parse(platform))
    except elf.WrongMachine as error:
        assert executable in str(error) and platform in str(error) and error.hint
        return True
    return False


@pytest.mark.parametrize("architecture", sorted(elf.MACHINES))
def test_a_program_runs_where_it_was_made_for_and_nowhere_else(architecture: str) -> None:
    found = tree(header(*elf.MACHINES[architecture]))
    for other in elf.MACHINES:
        if Platform.parse(f"linux/{other}").architecture != other:
            continue
        same = elf.MACHINES[other] == elf.MACHINES[architecture]
        assert refuses(found, platform=f"linux/{other}") != same, other


def test_the_error_names_both_machines() -> None:
    with pytest.raises(elf.WrongMachine, match=r"program for amd64, but the image is for linux/arm64"):
        elf.check(tree(header(2, 1, 62)), "/bin/app", Platform.parse("linux/arm64"))
    with pytest.raises(elf.WrongMachine, match=r"machine 4660"):
        elf.check(tree(header(2, 1, 0x1234)), "/bin/app", Platform.parse("linux/arm64"))


def test_the_byte_order_and_the_class_count() -> None:
    assert not refuses(tree(header(2, 1, 183)))
    assert refuses(tree(header(2, 2, 183)))
    assert refuses(tree(header(1, 1, 183)))


@pytest.mark.parametrize(
    "data", [b"", b"#!/bin/sh\n", b"\x7fEL", b"\x7fELF", header(2, 1, 62)[:19], b"\x7fELG" + bytes(60)]
)
def test_what_has_no_whole_header_is_not_judged(data: bytes) -> None:
    assert not refuses(tree(data))


def test_a_whole_header_of_20_bytes_is_enough() -> None:
    assert len(header(2, 1, 62)) == elf.HEADER_BYTES and refuses(tree(header(2, 1, 62)))


def test_an_unknown_architecture_is_not_judged() -> None:
    assert not refuses(tree(header(2, 1, 62)), platform="linux/sw64")


def test_a_missing_program_and_a_folder_are_left_to_others() -> None:
    found = tree(header(2, 1, 62))
    for executable in ("/bin/other", "/bin", "/", "", "other", "/bin/app/more", "."):
        assert not refuses(found, executable), executable


def test_a_name_without_a_slash_is_sought_as_the_device_seeks_it() -> None:
    good, bad = program(header(2, 1, 183)), program(header(2, 1, 62))
    assert refuses(Tree(folder(bin=folder(app=bad))), "app")
    assert not refuses(Tree(folder(bin=folder(app=bad), usr=folder(bin=folder(app=good)))), "app")
    assert refuses(Tree(folder(bin=folder(app=good), usr=folder(local=folder(bin=folder(app=bad))))), "app")
    assert not refuses(Tree(folder(opt=folder(app=bad))), "app")


def test_links_are_followed_within_the_image_and_loops_end() -> None:
    bad = program(header(2, 1, 62))
    usr = folder(bin=folder(app=Symlink(EXECUTABLE, b"busybox"), busybox=bad))
    assert refuses(Tree(folder(usr=usr, bin=Symlink(EXECUTABLE, b"usr/bin"))))
    assert refuses(Tree(folder(usr=usr, bin=Symlink(EXECUTABLE, b"/../../usr/bin"))))
    assert not refuses(Tree(folder(bin=folder(app=Symlink(EXECUTABLE, b"app")))))
    assert not refuses(Tree(folder(bin=Symlink(EXECUTABLE, b"/bin"))))
    assert not refuses(Tree(folder(bin=folder(app=Symlink(EXECUTABLE, b"/no/where")))))
    assert not refuses(Tree(folder(bin=folder(app=Symlink(EXECUTABLE, b"/proc/self/exe")))))


@pytest.mark.parametrize(
    "line",
    [
        b"#!/bin/app\n",
        b"#! /bin/app -e\nrest",
        b"#!/bin/app",
        b"#!/bin/link\n",
        b"#!/usr/bin/env app\n",
        b"#!/bin/again\n",
    ],
)
def test_a_script_is_judged_by_what_runs_it(line: bytes) -> None:
    for machine, wrong in ((62, True), (183, False)):
        entries = {"app": program(header(2, 1, machine)), "link": Symlink(EXECUTABLE, b"app")}
        tree = Tree(folder(start=program(line), bin=folder(again=program(b"#!/bin/app\n"), **entries)))
        assert refuses(tree, "/start") == wrong
    with pytest.raises(elf.WrongMachine, match=r"/start of the image is run by \S+, a program for mips"):
        elf.check(
            Tree(folder(
                start=program(line),
                bin=folder(again=program(b"#!/bin/app\n"), link=Symlink(EXECUTABLE, b"app"),
                           app=program(header(1, 2, 8))),
            )),
            "/start", Platform.parse("linux/arm64"),
        )  # fmt: skip


def test_scripts_that_lead_nowhere_are_not_judged() -> None:
    bad = program(header(2, 1, 62))
    long = b"#!/bin/" + b"x" * 53  # 60 bytes, and cut as it is kept: the name may go on
    for line in (
        b"#!",
        b"#!\n",
        b"#! \n",
        b"#!/bin/none\n",
        b"#!/start\n",
        b"#!/usr/bin/env -S app\n",
        b"#!/bin/\xff\n",
        long + b"y" * 9,
    ):
        names = {"app": bad, ("x" * 53): bad, ("x" * 53 + "yyyy"): bad}
        assert not refuses(Tree(folder(start=program(line), bin=folder(**names))), "/start"), line


def test_a_relative_program_lies_in_the_working_directory() -> None:
    good, bad = program(header(2, 1, 183)), program(header(2, 1, 62))
    found = Tree(folder(app=good, srv=folder(app=bad)))
    assert not refuses(found, "./app")
    for executable in ("./app", "../srv/app"):
        with pytest.raises(elf.WrongMachine):
            elf.check(found, executable, Platform.parse("linux/arm64"), folder="/srv")
    elf.check(found, "/app", Platform.parse("linux/arm64"), folder="/srv")


@given(st.binary(max_size=64), st.text(max_size=20))
def test_any_file_and_any_name_pass_or_are_refused(data: bytes, executable: str) -> None:
    for content in (data, b"\x7fELF" + data, b"#!" + data):
        try:
            elf.check(tree(content), executable, Platform.parse("linux/amd64"))
            elf.check(tree(content), "/bin/app", Platform.parse("linux/amd64"))
        except PantavisorError:
            pass
        runner = elf.runner(tree(content), "/bin/app")
        assert runner is None or runner.isprintable()


def program_with_loader(bits: int, order: int, name: bytes, *, place: int = 100) -> bytes:
    """An ELF program whose second program header names its loader."""
    mark = "<" if order == 1 else ">"
    start, size, count = (64, 56, 2) if bits == 2 else (52, 32, 2)
    head = header(bits, order, 62)[:20].ljust(start, b"\0")
    fields = {2: ((32, "Q", start), (54, "H", size), (56, "H", count)),
              1: ((28, "I", start), (42, "H", size), (44, "H", count))}[bits]  # fmt: skip
    made = bytearray(head + bytes(size * count))
    for offset, form, value in fields:
        struct.pack_into(mark + form, made, offset, value)
    place += len(made)
    entry = ("I4xQ16xQ", 3, place, len(name)) if bits == 2 else ("II8xI", 3, place, len(name))
    struct.pack_into(mark + entry[0], made, start + size, *entry[1:])
    return bytes(made).ljust(place, b"\0") + name


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("order", [1, 2])
def test_the_loader_of_a_program_is_what_runs_it(bits: int, order: int) -> None:
    made = program_with_loader(bits, order, b"/lib/ld.so.1\0")
    assert elf.runner(tree(made), "/bin/app") == "/lib/ld.so.1"
    for other in (made[:-1], program_with_loader(bits, order, b"/lib/\x1b[2J\0"),
                  program_with_loader(bits, order, b"/lib/ld.so\0", place=5000)):  # fmt: skip
        assert elf.runner(tree(other), "/bin/app") is None


@pytest.mark.parametrize("name", [b"/lib/ld.so.1\0", b""])
def test_the_loader_is_found_without_reading_the_layer_again(
    name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = program_with_loader(2, 1, name, place=600) if name else header(2, 1, 62).ljust(64, b"\0")
    found = LayeredTree([layer(member("bin/app", content=made + bytes(9_000), mode=0o755))])
    for _, spans in found.contents():
        list(spans)

    def again(*_: object) -> None:
        pytest.fail("the layer is read again")

    monkeypatch.setattr(Source, "contents", again)
    assert elf.runner(found, "/bin/app") == (name.rstrip(b"\0").decode() or None)


def test_readelf_agrees_about_this_python() -> None:
    assert shutil.which("readelf"), "binutils is not installed"
    path = Path(sys.executable).resolve()
    said = subprocess.run(
        ["readelf", "-h", path], capture_output=True, text=True, check=True, timeout=600
    ).stdout
    names = {"Advanced Micro Devices X86-64": "amd64", "AArch64": "arm64"}
    own = next(architecture for text, architecture in names.items() if text in said)
    found = Tree(folder(bin=folder(app=File(EXECUTABLE, path.stat().st_size, path))))
    for architecture in names.values():
        assert refuses(found, platform=f"linux/{architecture}") == (architecture != own)
    words = ["readelf", "-l", path]
    named = subprocess.run(words, capture_output=True, text=True, check=True, timeout=600).stdout
    loader = elf.runner(found, "/bin/app")
    assert loader and f"interpreter: {loader}]" in named
