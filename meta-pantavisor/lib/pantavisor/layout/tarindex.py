# SPDX-License-Identifier: MIT
"""Random access into a tar: the names of its files, and where their bytes lie.

Read are ustar, GNU long names and pax ``path``, ``linkpath`` and ``size``: what docker, podman, skopeo and Go's
archive/tar write around image blobs. The layers themselves are not read here.
"""

from __future__ import annotations

import io
import posixpath
from dataclasses import dataclass
from typing import BinaryIO, Optional

from ..errors import FormatError, LimitError

BLOCK = 512
MAX_MEMBERS = 65536
MAX_HEADER_BYTES = 1024 * 1024  # of one pax header or one long name
MAX_LINKS = 8
MAX_SIZE_DIGITS = 18


@dataclass(frozen=True)
class Member:
    """A file of ``size`` bytes at ``offset``, or a link to the member ``link``."""

    offset: int
    size: int
    link: Optional[str] = None


def read(stream: BinaryIO, *, what: str) -> dict[str, Member]:
    """The files and links of the tar in ``stream``, by clean relative name; of equal names the last counts."""
    members: dict[str, Member] = {}
    pending: dict[str, str] = {}
    total = stream.seek(0, io.SEEK_END)
    offset = 0
    for _ in range(2 * MAX_MEMBERS):
        header = _at(stream, offset, BLOCK)
        if len(header) < BLOCK or header == bytes(BLOCK):
            return members
        _check_sum(header, what)
        kind = header[156:157]
        size = _number(header[124:136], what)
        if kind not in b"xgLK" and "size" in pending:
            size = int(pending["size"])
        start = offset + BLOCK
        if size < 0 or start + size > total:
            raise FormatError(f"{what} ends in the middle of a member")
        offset = start + -(-size // BLOCK) * BLOCK
        if kind in b"xgLK":
            if size > MAX_HEADER_BYTES:
                raise LimitError(f"{what} has a header of {size} bytes")
            # A global header names what holds for all members; writers of images put only comments there.
            pending.update(_extension(kind, _at(stream, start, size), what) if kind != b"g" else {})
            continue
        _add(members, header, kind, Member(start, size), pending)
        pending = {}
        if len(members) > MAX_MEMBERS:
            break
    raise LimitError(f"{what} has more than {MAX_MEMBERS} members")


def resolve(members: dict[str, Member], name: str) -> Optional[Member]:
    """The file called ``name``, in any spelling, through links."""
    member = members.get(_clean(name) or "")
    for _ in range(MAX_LINKS):
        if member is None or member.link is None:
            return member
        member = members.get(member.link)
    return None


class Section(io.RawIOBase):
    """``size`` bytes of a shared stream from ``offset`` on; several can be read in turns, not at once by threads."""

    def __init__(self, stream: BinaryIO, member: Member) -> None:
        self._stream = stream
        self._position = member.offset
        self._end = member.offset + member.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        chunk = _at(self._stream, self._position, min(len(view), self._end - self._position))
        self._position += len(chunk)
        view[: len(chunk)] = chunk
        return len(chunk)


def _add(members: dict[str, Member], header: bytes, kind: bytes, body: Member, pending: dict[str, str]) -> None:
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    name = pending.get("path") or (f"{prefix}/" if prefix else "") + _text(header[:100])
    link = pending.get("linkpath") or _text(header[157:257])
    clean = _clean(name)
    if clean is None:
        return  # a folder, or a name outside the archive that nothing could refer to
    if kind == b"2":
        link = posixpath.join(posixpath.dirname(clean), link)
    if kind in b"12":
        members[clean] = Member(0, 0, _clean(link) or "")
    elif kind in (b"0", b"\0", b"7"):
        members[clean] = body


def _extension(kind: bytes, data: bytes, what: str) -> dict[str, str]:
    if kind in b"LK":
        return {"path" if kind == b"L" else "linkpath": _text(data)}
    found = {}
    start = 0
    while start < len(data):
        length_text, blank, _ = data[start : start + 12].partition(b" ")
        length = int(length_text) if blank and length_text.isdigit() else 0
        if not len(length_text) + 1 < length <= len(data) - start:
            raise FormatError(f"{what} has a broken pax header")
        key, _, value = data[start + len(length_text) + 1 : start + length - 1].partition(b"=")
        if key in (b"path", b"linkpath"):
            found[key.decode()] = _text(value)
        if key == b"size":
            if not value.isdigit() or len(value) > MAX_SIZE_DIGITS:
                raise FormatError(f"{what} has a pax size that is no number")
            found["size"] = value.decode()
        start += length
    return found


def _clean(name: str) -> Optional[str]:
    """Below the archive's root, as docker load unpacks it: there an absolute name or link lies too."""
    if name.endswith("/"):
        return None
    clean = posixpath.normpath(name).lstrip("/")
    return None if clean in ("", ".", "..") or clean.startswith("../") else clean


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(field: bytes, what: str) -> int:
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if any(char not in b"01234567" for char in digits):
        raise FormatError(f"{what} has a broken tar header")
    return int(digits, 8)


def _check_sum(header: bytes, what: str) -> None:
    expected = sum(header) - sum(header[148:156]) + 8 * 32
    if _number(header[148:156], what) != expected:
        raise FormatError(f"{what} is not a tar, or is damaged", hint="plain tar and tar.gz are read")


def _at(stream: BinaryIO, offset: int, size: int) -> bytes:
    stream.seek(offset)
    return stream.read(size)
