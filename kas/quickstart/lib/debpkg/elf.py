# SPDX-License-Identifier: MIT
"""What a dynamically linked program needs: its loader and, transitively, its shared libraries (System V
gABI, chapter 5).

Little-endian ELF32 and ELF64 only: the quickstart's machines are. Names are looked up in the target's
sysroot and nowhere else.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import DebError

MAX_ELF_BYTES = 256 * 1024 * 1024
MAX_LIBRARIES = 200
MAX_LINKS = 40
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NEEDED, DT_STRTAB = 1, 5
# By e_machine: the folders of libraries in a file system of Debian's kind, after those of every machine.
TRIPLETS = {40: "arm-linux-gnueabihf", 62: "x86_64-linux-gnu", 183: "aarch64-linux-gnu"}


@dataclass(frozen=True)
class _Class:
    """The structures of one class: the places of e_phoff and e_phentsize, a program header (kind, offset,
    address, size by their place in it), an entry of the dynamic section.
    """

    table: str
    table_at: int
    counts_at: int
    segment: str
    fields: tuple[int, int, int, int]
    entry: str


CLASSES = {
    b"\x7fELF\x01\x01": _Class("<I", 28, 42, "<8I", (0, 1, 2, 4), "<iI"),
    b"\x7fELF\x02\x01": _Class("<Q", 32, 54, "<IIQQQQ", (0, 2, 3, 5), "<qQ"),
}


@dataclass(frozen=True)
class Elf:
    machine: int
    interpreter: str | None
    needed: tuple[str, ...]

    @classmethod
    def parse(cls, data: bytes, *, what: str) -> Elf:
        """Raises DebError where ``data`` is not a well-formed ELF file."""
        if data[:6] not in CLASSES:
            raise DebError(f"{what} is not a little-endian ELF file")
        try:
            return _parse(data, CLASSES[data[:6]])
        except (struct.error, IndexError, ValueError) as error:
            raise DebError(f"{what} is a broken ELF file: {error}") from error


@dataclass(frozen=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


def _parse(data: bytes, kind: _Class) -> Elf:
    machine = struct.unpack_from("<H", data, 18)[0]
    segments = _segments(data, kind)
    interpreter, needed = None, []
    for segment in segments:
        if segment.kind == PT_INTERP:
            interpreter = data[segment.offset : segment.offset + segment.size].rstrip(b"\0").decode("ascii")
        if segment.kind == PT_DYNAMIC:
            section = data[segment.offset : segment.offset + segment.size]
            entries = list(struct.iter_unpack(kind.entry, section))
            table = next((value for tag, value in entries if tag == DT_STRTAB), 0)
            needed = [
                _text(data, _offset(segments, table) + value) for tag, value in entries if tag == DT_NEEDED
            ]
    return Elf(machine, interpreter, tuple(needed))


def _segments(data: bytes, kind: _Class) -> list[_Segment]:
    (start,) = struct.unpack_from(kind.table, data, kind.table_at)
    size, count = struct.unpack_from("<HH", data, kind.counts_at)
    headers = [struct.unpack_from(kind.segment, data, start + index * size) for index in range(count)]
    return [_Segment(*(header[place] for place in kind.fields)) for header in headers]


def _offset(segments: Iterable[_Segment], address: int) -> int:
    for segment in segments:
        if segment.kind == PT_LOAD and segment.address <= address < segment.address + segment.size:
            return segment.offset + address - segment.address
    raise ValueError("an address lies in no segment")


def _text(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode("ascii")


def load(path: Path) -> Elf:
    if path.stat().st_size > MAX_ELF_BYTES:
        raise DebError(f"{path} is larger than {MAX_ELF_BYTES} bytes")
    return Elf.parse(path.read_bytes(), what=str(path))


def resolve(root: Path, path: str) -> str:
    """``path`` below ``root`` with all symbolic links followed inside it; relative to the root."""
    done: list[str] = []
    todo = path.split("/")
    links = 0
    while todo:
        part = todo.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            done = done[:-1]
            continue
        here = root.joinpath(*done, part)
        if here.is_symlink():
            links += 1
            if links > MAX_LINKS:
                raise DebError(f"{path} has more than {MAX_LINKS} symbolic links")
            target = os.readlink(here)
            done = [] if target.startswith("/") else done
            todo = [*target.split("/"), *todo]
        else:
            done.append(part)
    return "/".join(done)


def closure(root: Path, programs: Iterable[str]) -> dict[str, Path]:
    """Place in the target -> file of every loader and library that ``programs`` (paths below ``root``)
    need.

    A library is stored under the name that is asked for, so no links are needed. A missing one is a
    DebError.
    """
    found: dict[str, Path] = {}
    todo = [(program, load(root / resolve(root, program))) for program in programs]
    while todo:
        user, elf = todo.pop(0)
        wanted = [_library(root, name, elf.machine, user) for name in elf.needed]
        if elf.interpreter:
            wanted.append(elf.interpreter)
        for place in wanted:
            target = _place(root, place)
            if target not in found:
                found[target] = root / resolve(root, place)
                todo.append((place, load(_existing(found[target], user))))
        if len(found) > MAX_LIBRARIES:
            raise DebError(f"more than {MAX_LIBRARIES} libraries are needed")
    return dict(sorted(found.items()))


def _place(root: Path, path: str) -> str:
    """The path with its folder's links followed, but not its own: /lib64/ld.so -> usr/lib64/ld.so."""
    folder, _, name = path.rpartition("/")
    return f"{resolve(root, folder)}/{name}"


def _library(root: Path, name: str, machine: int, user: str) -> str:
    triplet = TRIPLETS.get(machine, "")
    for folder in (f"usr/lib/{triplet}", f"lib/{triplet}", "usr/lib", "lib", "usr/lib64"):
        if (root / resolve(root, f"{folder}/{name}")).is_file():
            return f"/{folder}/{name}"
    raise DebError(
        f"{user} needs {name}, which is not in {root}", hint="add the recipe that has it to DEPENDS"
    )


def _existing(path: Path, user: str) -> Path:
    if not path.is_file():
        raise DebError(f"{user} needs {path}, which does not exist")
    return path
