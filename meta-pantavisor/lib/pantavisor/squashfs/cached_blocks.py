# SPDX-License-Identifier: MIT
"""Packed blocks by what they were packed from, kept for the next image.

Blocks of files, blocks of their ends and metadata all go through one call of the compressor, so this is the
one place. A key is the SHA-256 of how the block is packed and of the block: codec, level, filter, block
size, version of the codec's library, room for the result, and what this very compressor makes of a sample,
since a library may pack otherwise under an old version's name.
"""

from __future__ import annotations

import ctypes
import hashlib
from typing import Any, Optional

from ..cache import Cache
from .profile import MAX_BLOCK_BYTES
from .structures import BlockCall, Compressor

_COMPRESSOR_FAILED = -3
_SAMPLE = b"".join(b"%d is %x and %o\n" % (number, number**5, number) for number in range(300))


def cached_call(compressor: Any, packing: str, cache: Cache) -> Any:
    """A ``do_block`` in the place of that of ``compressor``, whose way is described by ``packing``;
    it must live as long as that one and its copies.
    """
    calls = ctypes.cast(compressor, ctypes.POINTER(Compressor)).contents
    # The member itself, read as a function, would become what is later put there.
    address = ctypes.cast(calls.do_block, ctypes.c_void_p).value
    pack = BlockCall(address or 0)
    way = hashlib.sha256(f"{packing}\n".encode() + _sample(pack, compressor))

    def key(block: int, size: int, room: int) -> bytes:
        hasher = way.copy()
        hasher.update(b"%d %d\n" % (room, size))
        hasher.update(memoryview((ctypes.c_char * MAX_BLOCK_BYTES).from_address(block))[:size])
        return hasher.digest()

    def found(name: bytes, out: int, room: int) -> Optional[int]:
        packed = cache.get(name)
        if packed is None or len(packed) > room:
            return None
        ctypes.memmove(out, packed, len(packed))
        return len(packed)

    def call(this: int, block: int, size: int, out: int, room: int) -> int:
        # Runs in the library's threads, where no caller would catch an exception.
        try:
            name = key(block, size, room)
            length = found(name, out, room)
            if length is None:
                length = int(pack(this, block, size, out, room))
                if length >= 0:
                    cache.put(name, ctypes.string_at(out, length))
            return length
        except BaseException:
            return _COMPRESSOR_FAILED

    return BlockCall(call)


def _sample(pack: Any, compressor: Any) -> bytes:
    size, out = len(_SAMPLE), ctypes.create_string_buffer(len(_SAMPLE))
    length = pack(compressor, ctypes.cast(ctypes.c_char_p(_SAMPLE), ctypes.c_void_p), size, out, size)
    return out.raw[: max(length, 0)]
