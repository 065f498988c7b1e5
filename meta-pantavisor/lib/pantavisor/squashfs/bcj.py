# SPDX-License-Identifier: MIT
"""xz with one branch filter, chosen by architecture.

libsquashfs compresses each block without a filter, then with each one asked for, then once more with the
best. A branch filter does next to nothing to what is not machine code, so here each block is compressed
once, with the one filter that fits, by the liblzma that libsquashfs is linked to. Calls after
lzma/container.h and lzma/bcj.h of liblzma 5.2.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable

from ..errors import PantavisorError
from .structures import BlockCall

# Name -> libsquashfs's flag, liblzma's number.
FILTERS = {"x86": (0x01, 0x04), "powerpc": (0x02, 0x05), "arm": (0x08, 0x07), "armthumb": (0x10, 0x08)}

_LZMA2, _END = 0x21, 2**64 - 1
_CHECK_CRC32 = 1
_OK, _OUTPUT_FULL = 0, 10
_OPTIONS_BYTES = 512  # lzma_options_lzma has 112; its first member is the size of the dictionary
_COMPRESSOR_FAILED = -3


class _Filter(ctypes.Structure):
    """lzma_filter"""

    _fields_ = [("id", c_uint64), ("options", c_void_p)]


def block_call(library: ctypes.CDLL, name: str, *, level: int, dictionary: int) -> Any:
    """A ``do_block`` for a compressor of libsquashfs; it must live as long as that one and its copies.

    Raises PantavisorError.
    """
    preset, encode = _calls(library)
    options = (c_uint32 * (_OPTIONS_BYTES // 4))()
    if preset(options, level):
        raise PantavisorError(f"liblzma does not have the preset {level}")
    options[0] = dictionary
    chain = (_Filter * 3)(
        _Filter(FILTERS[name][1], None), _Filter(_LZMA2, ctypes.addressof(options)), _Filter(_END, None)
    )  # fmt: skip

    def call(_: Any, block: int, size: int, out: int, room: int) -> int:
        # Runs in the library's threads, where no caller would catch an exception.
        try:
            used = c_size_t(0)
            status = encode(chain, _CHECK_CRC32, None, block, size, out, byref(used), room)
            if status == _OK:
                return used.value if used.value < size else 0
            return 0 if status == _OUTPUT_FULL else _COMPRESSOR_FAILED
        except BaseException:
            return _COMPRESSOR_FAILED

    made = BlockCall(call)
    # The chain points to them, and the closure holds only the chain.
    made.options = options  # type: ignore[attr-defined]
    return made


def _calls(library: ctypes.CDLL) -> tuple[Callable[..., int], Callable[..., int]]:
    try:
        preset, encode = library.lzma_lzma_preset, library.lzma_stream_buffer_encode
    except AttributeError as error:
        raise PantavisorError(
            "this libsquashfs does not export its xz", hint="choose the profile xz:6"
        ) from error
    preset.restype, preset.argtypes = ctypes.c_ubyte, [c_void_p, c_uint32]
    encode.restype = c_int
    encode.argtypes = [c_void_p, c_int, c_void_p, c_void_p, c_size_t, c_void_p, POINTER(c_size_t), c_size_t]
    return preset, encode
