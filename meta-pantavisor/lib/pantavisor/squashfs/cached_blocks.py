# SPDX-License-Identifier: MIT
"""How a block is packed, and packed blocks kept for the next image.

Blocks of files, blocks of their ends and metadata are all packed here. An entry's key is the SHA-256 of how
the block is packed and of its name: codec, level, filter, block size, version of the codec's library, and
what this very compressor makes of a sample, since a library may pack otherwise under an old version's name.
Its value is what the image stores: the packed block, or the block itself where packing does not make it
smaller.
"""

from __future__ import annotations

import ctypes
import hashlib
from typing import Any, Optional

from ..cache import Cache
from ..errors import PantavisorError
from .structures import BlockCall, Compressor

_COMPRESSOR_FAILED = -3
_SAMPLE = b"".join(b"%d is %x and %o\n" % (number, number**5, number) for number in range(300))


class BlockPacker:
    """Packs blocks as ``compressor`` does, which ``way`` describes for ``cache``."""

    def __init__(self, compressor: Any, way: str, cache: Optional[Cache]) -> None:
        self._compressor = compressor
        calls = ctypes.cast(compressor, ctypes.POINTER(Compressor)).contents
        # The member itself, read as a function, would become what is later put there.
        self._pack = BlockCall(ctypes.cast(calls.do_block, ctypes.c_void_p).value or 0)
        self._cache = cache
        self.error: Optional[BaseException] = None  # of the last call()
        self._way = hashlib.sha256(f"{way}\n".encode() + self._sample()) if cache is not None else None

    @property
    def has_cache(self) -> bool:
        return self._cache is not None

    def kept(self, name: bytes) -> Optional[bytes]:
        """What the image stores of the block called ``name``, if the cache has it."""
        return self._cache.get(self._key(name)) if self._cache is not None else None

    def pack(self, address: int, size: int, out: Any, name: bytes) -> tuple[bytes, bool]:
        """What the image stores of the ``size`` bytes at ``address``, and whether that is packed. ``out``
        is a buffer with the room that the library gives its compressors. With a cache, ``name`` is what
        the block is known by there. Raises PantavisorError.
        """
        stored = self.kept(name)
        if stored is not None and len(stored) <= size:
            return stored, len(stored) < size
        stored, is_packed = self._packed(address, size, out)
        if self._cache is not None:
            self._cache.put(self._key(name), stored)
        return stored, is_packed

    def call(self) -> Any:
        """The same as a ``do_block`` of the library, which must live as long as a compressor has it."""

        def call(_: int, block: int, size: int, out: int, room: int) -> int:
            # The library would not hand on an exception.
            try:
                name = hashlib.sha256(ctypes.string_at(block, size)).digest()
                stored, is_packed = self.pack(block, size, (ctypes.c_char * room).from_address(out), name)
                if not is_packed:
                    return 0
                ctypes.memmove(out, stored, len(stored))
                return len(stored)
            except BaseException as error:
                self.error = error
                return _COMPRESSOR_FAILED

        return BlockCall(call)

    def _packed(self, address: int, size: int, out: Any) -> tuple[bytes, bool]:
        length = self._pack(self._compressor, address, size, out, ctypes.sizeof(out))
        if length < 0:
            raise PantavisorError("cannot write the squashfs image: the compressor failed")
        # lz4 may make it larger, which the kernel reads and unsquashfs does not.
        is_packed = 0 < length < size
        return ctypes.string_at(out, length) if is_packed else ctypes.string_at(address, size), is_packed

    def _sample(self) -> bytes:
        address = ctypes.cast(ctypes.c_char_p(_SAMPLE), ctypes.c_void_p).value or 0
        return self._packed(address, len(_SAMPLE), ctypes.create_string_buffer(len(_SAMPLE)))[0]

    def _key(self, name: bytes) -> bytes:
        assert self._way is not None
        hasher = self._way.copy()
        hasher.update(name)
        return hasher.digest()
