# SPDX-License-Identifier: MIT
"""What programs need, on programs of this host and on broken ones."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from debpkg import elf
from debpkg.errors import DebError

LOADER = "/lib64/ld-linux-x86-64.so.2"


def make_elf(needed: tuple[str, ...] = (), interpreter: str = "", *, machine: int = 62) -> bytes:
    """A minimal ELF64: one PT_LOAD over the whole file, PT_DYNAMIC, and PT_INTERP where asked for."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in needed)
    places, position = [], 1
    for name in needed:
        places.append(position)
        position += len(name) + 1
    interp = interpreter.encode() + b"\0" if interpreter else b""
    base, count = 0x400000, 3 if interpreter else 2
    strings_at = 64 + 56 * count
    interp_at = strings_at + len(strings)
    dynamic_at = interp_at + len(interp)
    dynamic = b"".join(struct.pack("<qQ", 1, place) for place in places)
    dynamic += struct.pack("<qQqQ", 5, base + strings_at, 0, 0)
    total = dynamic_at + len(dynamic)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    table = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, total, total, 4096)
    table += struct.pack("<IIQQQQQQ", 2, 4, dynamic_at, base + dynamic_at, 0, len(dynamic), len(dynamic), 8)
    if interpreter:
        table += struct.pack("<IIQQQQQQ", 3, 4, interp_at, base + interp_at, 0, len(interp), len(interp), 1)
    return header + table + strings + interp + dynamic


def make_elf32(needed: str, interpreter: str) -> bytes:
    """A minimal ELF32 of 32-bit ARM with one library."""
    strings, interp = b"\0" + needed.encode() + b"\0", interpreter.encode() + b"\0"
    base, strings_at = 0x10000, 52 + 32 * 3
    interp_at = strings_at + len(strings)
    dynamic_at = interp_at + len(interp)
    dynamic = struct.pack("<iIiIiI", 1, 1, 5, base + strings_at, 0, 0)
    total = dynamic_at + len(dynamic)
    header = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIIIIIHHHHHH", 3, 40, 1, 0, 52, 0, 0, 52, 32, 3, 0, 0, 0)
    table = struct.pack("<8I", 1, 0, base, base, total, total, 5, 4096)
    table += struct.pack("<8I", 2, dynamic_at, base + dynamic_at, 0, len(dynamic), len(dynamic), 4, 4)
    table += struct.pack("<8I", 3, interp_at, base + interp_at, 0, len(interp), len(interp), 4, 1)
    return header + table + strings + interp + dynamic


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A merged file system with a loader behind an absolute link, as Debian's is."""
    for name in ("usr/bin", "usr/lib/x86_64-linux-gnu", "usr/lib64"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (tmp_path / name).symlink_to(f"usr/{name}")
    libraries = tmp_path / "usr/lib/x86_64-linux-gnu"
    (libraries / "ld-linux-x86-64.so.2").write_bytes(make_elf())
    (tmp_path / "usr/lib64/ld-linux-x86-64.so.2").symlink_to("/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    (libraries / "libc.so.6").write_bytes(make_elf(("ld-linux-x86-64.so.2",)))
    (libraries / "libx.so.1.2").write_bytes(make_elf(("libc.so.6", "libx.so.1")))
    (libraries / "libx.so.1").symlink_to("libx.so.1.2")
    (tmp_path / "usr/bin/init").write_bytes(make_elf(("libx.so.1", "libc.so.6"), LOADER))
    return tmp_path


def test_the_fields_are_read() -> None:
    found = elf.Elf.parse(make_elf(("liba.so", "libb.so.2"), LOADER, machine=183), what="x")
    assert found == elf.Elf(183, LOADER, ("liba.so", "libb.so.2"))


def test_a_program_of_32_bits_is_read() -> None:
    loader = "/lib/ld-linux-armhf.so.3"
    found = elf.Elf.parse(make_elf32("libc.so.6", loader), what="x")
    assert found == elf.Elf(40, loader, ("libc.so.6",))
    with pytest.raises(DebError, match="ELF"):
        elf.Elf.parse(make_elf32("libc.so.6", loader)[:100], what="x")


def test_a_program_of_this_host_is_read() -> None:
    found = elf.load(Path(sys.executable).resolve())
    assert any(name.startswith("libc.so") for name in found.needed)


def test_the_closure_follows_links_inside_the_root_only(root: Path) -> None:
    libraries = "usr/lib/x86_64-linux-gnu"
    found = elf.closure(root, ["/usr/bin/init"])
    assert list(found) == [
        "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        f"{libraries}/libc.so.6",
        f"{libraries}/libx.so.1",
        "usr/lib64/ld-linux-x86-64.so.2",
    ]
    assert found[f"{libraries}/libx.so.1"] == root / libraries / "libx.so.1.2"
    assert all(str(path).startswith(str(root)) for path in found.values())


def test_a_missing_library_is_named_with_who_needs_it(root: Path) -> None:
    (root / "usr/lib/x86_64-linux-gnu/libc.so.6").unlink()
    with pytest.raises(DebError, match=r"/usr/bin/init needs libc\.so\.6"):
        elf.closure(root, ["/usr/bin/init"])


def test_a_link_that_climbs_ends_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("../../../../etc/passwd")
    assert elf.resolve(tmp_path, "/a") == "etc/passwd"


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(DebError, match="symbolic links"):
        elf.resolve(tmp_path, "a")


@pytest.mark.parametrize("cut", [0, 6, 40, 70, 200])
def test_a_cut_file_is_refused(cut: int) -> None:
    whole = make_elf(("libc.so.6",), LOADER)
    with pytest.raises(DebError, match="ELF"):
        elf.Elf.parse(whole[:cut], what="x")
