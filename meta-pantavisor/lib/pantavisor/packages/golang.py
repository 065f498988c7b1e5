# SPDX-License-Identifier: MIT
"""What a program of Go was built from: the build information in its ELF file, in both formats (Go's
documentation of debug/buildinfo; before Go 1.18 it has pointers to its strings, since then the strings).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, Optional

from ..errors import FormatError
from .model import GOLANG, Package

MIN_BYTES = 512 * 1024  # of a program of Go: its runtime alone is larger
MAX_TEXT = 512 * 1024  # of the list of modules; those of the largest programs take a tenth of it
STANDARD_LIBRARY = "stdlib"
_MAGIC = b"\xff Go buildinf:"
_ALIGN = 16
_HEAD = 32  # bytes before the strings
_SEARCHED = 64 * 1024  # of the first data segment, where there is no such section
_MAX_HEADERS = 1000
_MARK = 16  # bytes around the list of modules
_LOAD, _WRITABLE = 1, 2

Read = Callable[[int, int], bytes]  # position, size: fewer at the end


class _NotElf(FormatError):
    """Such as a large script."""


class _Segment(NamedTuple):
    writable: bool
    offset: int
    address: int
    size: int


class _Program:
    """An ELF file's segments, and where its build information may lie."""

    def __init__(self, read: Read) -> None:
        head = read(0, 64)
        if len(head) < 64 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
            raise _NotElf("it is not an ELF file")
        self._read = read
        self.is_wide, self.order = head[4] == 2, "<" if head[5] == 1 else ">"
        if self.is_wide:
            program, section = struct.unpack(f"{self.order}QQ", head[32:48])
            sizes = struct.unpack(f"{self.order}HHHHH", head[54:64])
        else:
            program, section = struct.unpack(f"{self.order}II", head[28:36])
            sizes = struct.unpack(f"{self.order}HHHHH", head[42:52])
        self._section_names = sizes[4]
        self.segments = [self._segment(row) for row in self._rows(program, sizes[0], sizes[1])]
        self._sections = self._rows(section, sizes[2], sizes[3])

    def _rows(self, at: int, size: int, count: int) -> list[bytes]:
        least = 56 if self.is_wide else 32
        if count > _MAX_HEADERS or size < least:
            return []
        data = self._read(at, size * count)
        rows = [data[start : start + size] for start in range(0, len(data), size)]
        return [row for row in rows if len(row) == size]

    def _segment(self, row: bytes) -> _Segment:
        if self.is_wide:
            kind, flags, offset, address, _, size = struct.unpack(f"{self.order}IIQQQQ", row[:40])
        else:
            kind, offset, address, _, size, _, flags = struct.unpack(f"{self.order}7I", row[:28])
        return _Segment(kind == _LOAD and bool(flags & _WRITABLE), offset, address, size)

    def _section(self, row: bytes) -> tuple[int, int, int]:
        """The place of its name, its own place, its size."""
        form = "I4xQQQQ" if self.is_wide else "I4xIIII"
        name, _, _, offset, size = struct.unpack(f"{self.order}{form}", row[: struct.calcsize("=" + form)])
        return name, offset, size

    def build_info(self) -> Optional[int]:
        """Where its magic number is."""
        names = b""
        if self._section_names < len(self._sections):
            _, offset, size = self._section(self._sections[self._section_names])
            names = self._read(offset, min(size, _SEARCHED))
        for row in self._sections:
            name, offset, _ = self._section(row)
            if names[name:].startswith(b".go.buildinfo\0"):
                return self._found(offset, _HEAD)
        data = next((segment for segment in self.segments if segment.writable), None)
        return None if data is None else self._found(data.offset, min(data.size, _SEARCHED))

    def _found(self, at: int, searched: int) -> Optional[int]:
        data = self._read(at, searched)
        places = range(0, len(data), _ALIGN)
        return next((at + place for place in places if data.startswith(_MAGIC, place)), None)

    def text(self, pointer: int, order: str) -> bytes:
        """The string whose header (address, length) is at an address."""
        form = f"{order}{'QQ' if self.is_wide else 'II'}"
        address, size = struct.unpack(form, self._memory(pointer, struct.calcsize(form)))
        return self._memory(address, min(size, MAX_TEXT))

    def _memory(self, address: int, size: int) -> bytes:
        for segment in self.segments:
            if segment.address <= address and address + size <= segment.address + segment.size:
                data = self._read(segment.offset + address - segment.address, size)
                if len(data) == size:
                    return data
        raise FormatError("it has build information that points to nowhere")


def packages(read: Read) -> Iterator[Package]:
    """The modules in a program, the compiler's own library as ``stdlib``; none where it is not one of Go.
    Raises FormatError for damaged build information.
    """
    try:
        program = _Program(read)
        place = program.build_info()
        if place is not None:
            yield from _modules(*_texts(program, read, place))
    except _NotElf:
        return
    except struct.error as error:
        raise FormatError("it is a damaged ELF file") from error


def _texts(program: _Program, read: Read, place: int) -> tuple[bytes, bytes]:
    """The version of Go, and the list of modules."""
    head = read(place, _HEAD)
    width, flags = head[14:16] if len(head) == _HEAD else (0, 0)
    if flags & 2:
        version, place = _inline(read, place + _HEAD)
        return version, _inline(read, place)[0]
    order = ">" if flags & 1 else "<"
    if (width, program.is_wide) not in ((4, False), (8, True)):
        raise FormatError("it has build information of an unknown form")
    pointers = f"{order}{'QQ' if width == 8 else 'II'}"
    version_at, modules_at = struct.unpack(pointers, head[16 : 16 + 2 * width])
    modules = program.text(modules_at, order) if modules_at else b""
    return program.text(version_at, order), modules


def _inline(read: Read, at: int) -> tuple[bytes, int]:
    """A string behind its length, and where it ends."""
    size = 0
    for shift, byte in enumerate(read(at, 5)):
        size |= (byte & 0x7F) << 7 * shift
        at += 1
        if byte < 0x80:
            break
    text = read(at, size) if size <= MAX_TEXT else b""
    if len(text) != size:
        raise FormatError("it has build information that is cut off")
    return text, at + size


def _modules(version: bytes, listed: bytes) -> Iterator[Package]:
    release = version.decode("utf-8", "replace").split(" ")[0]
    if release.startswith("go"):
        yield Package(GOLANG, STANDARD_LIBRARY, release[2:])
    if len(listed) > 2 * _MARK and listed[-_MARK - 1 : -_MARK] == b"\n":
        listed = listed[_MARK:-_MARK]
    before: Optional[Package] = None
    for line in listed.decode("utf-8", "replace").split("\n"):
        word, *rest = line.split("\t")
        if word not in ("mod", "dep", "=>") or not rest:
            continue
        if before is not None and word != "=>":
            yield before
        # A program that is built from a folder has no version.
        number = rest[1] if len(rest) > 1 and rest[1] != "(devel)" else ""
        before = Package(GOLANG, rest[0], number)
    if before is not None:
        yield before
