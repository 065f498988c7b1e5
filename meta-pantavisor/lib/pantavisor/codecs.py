# SPDX-License-Identifier: MIT
"""Packed streams unpacked in large steps: gzip (many members, as pigz and stargz write), zstd, xz, bzip2 or
none.

zlib's own gunzip is the measured floor; the package ``isal`` does it in half the time when it is installed.
zstd is the standard library's from Python 3.14, else ``backports.zstd``, else the distribution's libzstd.
Trailing bytes that begin no further member are refused, but zeros.
"""

from __future__ import annotations

import bz2
import functools
import importlib
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Optional, Protocol, Union

from . import libzstd
from .errors import FormatError, PantavisorError

CHUNK_BYTES = 256 * 1024  # the largest chunk; while it is hashed and packed it stays in a processor's cache
PACKED_CHUNK = 128 * 1024  # bytes read at a time: of most, one chunk becomes, or a little more

MAGIC_BYTES = 6  # of the longest
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
}


class Readable(Protocol):
    """All that is asked of a packed stream."""

    def read(self, size: int, /) -> bytes: ...


class Decompressor(Protocol):
    """What bz2, lzma and zstd offer; zlib is fitted to it below."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def crc32(data: Union[bytes, memoryview], value: int = 0) -> int:
    """As zlib's, after data with the checksum ``value``; isal takes a third of its time."""
    return _crc32()(data, value)


def detect(head: bytes) -> str:
    """The compression of a stream that begins with ``head``; "none" if it is not a known one."""
    for magic, compression in _MAGIC.items():
        if head.startswith(magic):
            return compression
    # A skippable frame first is what some zstd writers put.
    return "zstd" if len(head) >= 4 and head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50 else "none"


def unpack(stream: Readable, *, what: str) -> Iterator[bytes]:
    """The unpacked bytes of ``stream`` in chunks, none empty. ``stream`` is read to its end. Raises
    FormatError, and PantavisorError where the library for it is not installed.

    Its first bytes decide how it is packed: labels of it are often wrong, and docker, podman and containerd
    look there.
    """
    head = b""
    while len(head) < MAGIC_BYTES and (more := stream.read(PACKED_CHUNK)):
        head += more
    compression = detect(head)
    if compression == "none":
        return _stored(stream, head)
    return _unpack(stream, head, _factory(compression), compression, what)


def _stored(stream: Readable, head: bytes) -> Iterator[bytes]:
    if head:
        yield head
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def decompressor(compression: str) -> Decompressor:
    """A new one for a single stream. Raises FormatError for an unknown compression, PantavisorError for one
    not installed.
    """
    return _factory(compression)()


def errors(compression: str) -> tuple[type[Exception], ...]:
    """What a decompressor raises for broken input, in addition to the standard library's.

    Raises PantavisorError where its library is not installed.
    """
    return _more_errors(compression)


def _unpack(
    stream: Readable, head: bytes, new: Callable[[], Decompressor], compression: str, what: str
) -> Iterator[bytes]:
    errors: tuple[type[Exception], ...] = (zlib.error, lzma.LZMAError, OSError, EOFError)
    errors += _more_errors(compression)
    packed = head
    while True:
        member = new()
        while not member.eof:
            if member.needs_input and not packed:
                packed = stream.read(PACKED_CHUNK)
                if not packed:
                    raise FormatError(f"{what} ends in the middle of its {compression} stream")
            try:
                chunk = member.decompress(packed, CHUNK_BYTES)
            except errors as error:
                raise FormatError(f"{what} is not a sound {compression} stream: {error}") from error
            packed = b""
            if chunk:
                yield chunk
        packed = member.unused_data.lstrip(b"\0")
        # Zeros after the end are what tapes and block devices leave.
        while not packed:
            more = stream.read(PACKED_CHUNK)
            if not more:
                return
            packed = more.lstrip(b"\0")


class _Gunzip:
    """zlib's decompressor with the interface of the others."""

    def __init__(self, inflater: Any) -> None:
        self._inflater = inflater

    @property
    def eof(self) -> bool:
        return bool(self._inflater.eof)

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        unused: bytes = self._inflater.unused_data
        return unused

    def decompress(self, data: bytes, max_length: int) -> bytes:
        chunk: bytes = self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)
        return chunk


def _factory(compression: str) -> Callable[[], Decompressor]:
    if compression == "gzip":
        module = _optional("isal.isal_zlib") or zlib
        return lambda: _Gunzip(module.decompressobj(wbits=31))
    if compression == "xz":
        return lzma.LZMADecompressor
    if compression == "bzip2":
        return bz2.BZ2Decompressor
    if compression == "zstd":
        decompressor: Callable[[], Decompressor] = _zstd().ZstdDecompressor
        return decompressor
    raise FormatError(f'"{compression[:60]}" is not a known compression')


@functools.lru_cache(maxsize=1)
def _crc32() -> Callable[[Union[bytes, memoryview], int], int]:
    function: Callable[[Union[bytes, memoryview], int], int] = (_optional("isal.isal_zlib") or zlib).crc32
    return function


def _zstd() -> Any:
    module = _optional("compression.zstd") or _optional("backports.zstd")
    if module is None and libzstd.library() is None:
        raise PantavisorError(
            f"something is packed with zstd, and there is no {libzstd.NAME} to unpack it",
            hint="run: apt install libzstd1, or: pip install backports.zstd",
        )
    return module or libzstd


def _more_errors(compression: str) -> tuple[type[Exception], ...]:
    if compression == "zstd":
        return (_zstd().ZstdError,)
    module = _optional("isal.isal_zlib")
    return () if module is None else (module.error,)


def _optional(name: str) -> Optional[Any]:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
