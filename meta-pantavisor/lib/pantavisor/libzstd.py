# SPDX-License-Identifier: MIT
"""zstd unpacked by the distribution's libzstd through ctypes, for a Python that cannot: with the interface
of the standard library's ``compression.zstd``, which Python has from 3.14 on.

Written after zstd.h of version 1.4; the shared object's name is its promise that the calls hold. The
library refuses frames that want a window of more than 128 MiB.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from ctypes import POINTER, c_char_p, c_size_t, c_uint, c_void_p
from typing import Any

NAME = "libzstd.so.1"


class ZstdError(Exception):
    """The bytes are not a sound zstd stream."""


class _In(ctypes.Structure):
    _fields_ = [("source", c_char_p), ("size", c_size_t), ("position", c_size_t)]


class _Out(ctypes.Structure):
    _fields_ = [("target", c_void_p), ("size", c_size_t), ("position", c_size_t)]


_CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "ZSTD_createDStream": (c_void_p, ()),
    "ZSTD_freeDStream": (c_size_t, (c_void_p,)),
    "ZSTD_decompressStream": (c_size_t, (c_void_p, POINTER(_Out), POINTER(_In))),
    "ZSTD_isError": (c_uint, (c_size_t,)),
    "ZSTD_getErrorName": (c_char_p, (c_size_t,)),
}


@functools.cache
def library() -> Any:
    """libzstd, or None where there is none."""
    try:
        found = ctypes.CDLL(NAME)
        for name, (result, arguments) in _CALLS.items():
            call = getattr(found, name)
            call.restype, call.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    return found


class ZstdDecompressor:
    """Unpacks one frame; what comes after it is ``unused_data``."""

    def __init__(self) -> None:
        self._library = library()
        self._stream = self._library.ZSTD_createDStream()
        if not self._stream:
            raise MemoryError
        weakref.finalize(self, self._library.ZSTD_freeDStream, self._stream)
        self._packed = b""
        self.eof = False
        self.needs_input = True
        self.unused_data = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most ``max_length`` bytes, which must be more than 0. Raises ZstdError."""
        if self.eof:
            raise EOFError("the frame has ended")
        packed = self._packed + data
        target = ctypes.create_string_buffer(max_length)
        source = _In(packed, len(packed), 0)
        made = _Out(ctypes.addressof(target), max_length, 0)
        left = self._feed(source, made)
        self.eof = not left
        rest = packed[source.position :]
        self.unused_data, self._packed = (rest, b"") if self.eof else (b"", rest)
        # A full target may have left bytes in the library.
        self.needs_input = not (self.eof or rest or made.position == max_length)
        return ctypes.string_at(target, made.position)

    def _feed(self, source: _In, made: _Out) -> int:
        """Until the input, the room or the frame has ended: 0 for the frame."""
        while True:
            left: int = self._library.ZSTD_decompressStream(self._stream, made, source)
            if self._library.ZSTD_isError(left):
                raise ZstdError(self._library.ZSTD_getErrorName(left).decode("ascii", "replace"))
            if not left or source.position == source.size or made.position == made.size:
                return left
