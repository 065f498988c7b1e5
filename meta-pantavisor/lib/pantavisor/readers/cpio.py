# SPDX-License-Identifier: MIT
"""Single files of an initramfs: a cpio archive in the form newc, packed or not.

The form is that of the kernel's early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from .. import codecs
from ..errors import PantavisorError

MAX_BYTES = 1024 * 1024 * 1024  # unpacked
MAX_FILE_BYTES = 1024 * 1024
_MAGICS = (b"070701", b"070702")
_HEADER_BYTES = 110
_MODE, _SIZE, _NAME_SIZE = 1, 6, 11  # fields of eight hexadecimal digits, after the magic
_MAX_NAME_BYTES = 4096
_LAST = "TRAILER!!!"


def files_of(archive: Path, wanted: Collection[str]) -> dict[str, bytes]:
    """Those of the files ``wanted`` that the first archive has; not empty ones, nor links, nor what follows
    where it cannot be read.
    """
    found: dict[str, bytes] = {}
    try:
        with archive.open("rb") as stream:
            for name, content in _find(_Bytes(codecs.unpack(stream, what=archive.name)), wanted):
                found.setdefault(name, content)
                if len(found) == len(wanted):
                    break
    except (PantavisorError, EOFError, ValueError):
        pass
    return found


class _Bytes:
    """Chunks, read by number of bytes. Raises EOFError beyond the end, and beyond MAX_BYTES."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self._taken = 0

    def take(self, size: int) -> bytes:
        kept = bytearray()
        for piece in self._pieces(size):
            kept += piece
        return bytes(kept)

    def skip(self, size: int) -> None:
        for _ in self._pieces(size):
            pass

    def align(self) -> None:
        self.skip(-self._taken % 4)

    def _pieces(self, size: int) -> Iterator[memoryview]:
        self._taken += size
        if self._taken > MAX_BYTES:
            raise EOFError
        while size:
            if not self._rest:
                self._rest = memoryview(next(self._chunks, b""))
                if not self._rest:
                    raise EOFError
            piece, self._rest = self._rest[:size], self._rest[size:]
            size -= len(piece)
            yield piece


def _find(archive: _Bytes, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    while True:
        header = archive.take(_HEADER_BYTES)
        if not header.startswith(_MAGICS):
            return
        mode, size, name_size = (
            int(header[6 + 8 * at : 14 + 8 * at], 16) for at in (_MODE, _SIZE, _NAME_SIZE)
        )
        if not 0 < name_size <= _MAX_NAME_BYTES or size < 0:
            return
        name = archive.take(name_size)[:-1].decode("utf-8", "replace").lstrip("./")
        archive.align()
        if name == _LAST:
            return
        # Of a file with several names only the last one has the content.
        if name in wanted and stat.S_ISREG(mode) and 0 < size <= MAX_FILE_BYTES:
            yield name, archive.take(size)
        else:
            archive.skip(size)
        archive.align()
