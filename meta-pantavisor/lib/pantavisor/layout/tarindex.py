# SPDX-License-Identifier: MIT
"""Random access into a tar: the names of its files, and where their bytes lie.

What docker, podman, skopeo and Go's archive/tar write around image blobs. The layers themselves are not
read here.
"""

from __future__ import annotations

import io
import posixpath
from dataclasses import dataclass
from typing import BinaryIO, Optional

from ..errors import FormatError, LimitError
from ..tar import Header, HeaderReader, padded

MAX_MEMBERS = 65536
MAX_HEADER_BYTES = 1024 * 1024  # of one pax header or one long name
MAX_LINKS = 8


@dataclass(frozen=True)
class IndexedFile:
    """A file of ``size`` bytes at ``offset``, or a link to the member ``link``."""

    offset: int
    size: int
    link: Optional[str] = None


def read(stream: BinaryIO, *, what: str) -> dict[str, IndexedFile]:
    """The files and links of the tar in ``stream``, by clean relative name;
    of equal names the last counts. Raises LimitError.
    """
    members: dict[str, IndexedFile] = {}
    cursor = _Cursor(stream, what)
    headers = HeaderReader(cursor.read, max_bytes=MAX_HEADER_BYTES, what=what, count=cursor.count)
    while (header := headers.next()) is not None:
        cursor.count()
        _add(members, header, cursor.offset)
        if len(members) > MAX_MEMBERS:
            raise _too_many(what)
        cursor.skip(header.size)
    return members


class _Cursor:
    """Reads a stream forward, also when others move it in between."""

    def __init__(self, stream: BinaryIO, what: str) -> None:
        self._stream = stream
        self._what = what
        self._total = stream.seek(0, io.SEEK_END)
        self._left = 2 * MAX_MEMBERS
        self.offset = 0

    def read(self, size: int) -> bytes:
        found = _at(self._stream, self.offset, size)
        self.offset += len(found)
        return found

    def skip(self, size: int) -> None:
        """Pass over a member's content."""
        if self.offset + size > self._total:
            raise FormatError(f"{self._what} ends in the middle of a member")
        self.offset += padded(size)

    def count(self) -> None:
        """One header more."""
        self._left -= 1
        if self._left < 0:
            raise _too_many(self._what)


def _too_many(what: str) -> LimitError:
    return LimitError(f"{what} has more than {MAX_MEMBERS} members")


def resolve(members: dict[str, IndexedFile], name: str) -> Optional[IndexedFile]:
    """The file called ``name``, in any spelling, through links."""
    member = members.get(_clean(name) or "")
    for _ in range(MAX_LINKS):
        if member is None or member.link is None:
            return member
        member = members.get(member.link)
    return None


class Section(io.RawIOBase):
    """``size`` bytes of a shared stream from ``offset`` on; several can be read in turns, not at once by
    threads.
    """

    def __init__(self, stream: BinaryIO, member: IndexedFile) -> None:
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


def _add(members: dict[str, IndexedFile], header: Header, offset: int) -> None:
    clean = _clean(_text(header.name))
    if clean is None:
        return  # a folder, or a name outside the archive that nothing could refer to
    link = _text(header.target)
    if header.kind == b"2":
        link = posixpath.join(posixpath.dirname(clean), link)
    if header.kind in b"12":
        members[clean] = IndexedFile(0, 0, _clean(link) or "")
    elif header.kind in (b"0", b"\0", b"7"):
        members[clean] = IndexedFile(offset, header.size)


def _clean(name: str) -> Optional[str]:
    """Below the archive's root, as docker load unpacks it: there an absolute name or link lies too."""
    if name.endswith("/"):
        return None
    clean = posixpath.normpath(name).lstrip("/")
    return None if clean in ("", ".", "..") or clean.startswith("../") else clean


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _at(stream: BinaryIO, offset: int, size: int) -> bytes:
    stream.seek(offset)
    return stream.read(size)
