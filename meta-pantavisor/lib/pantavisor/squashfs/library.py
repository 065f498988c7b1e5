# SPDX-License-Identifier: MIT
"""libsquashfs of squashfs-tools-ng by ctypes: the calls used here, and no more.

Written after the headers of version 1.2.0; the shared object's name ``libsquashfs.so.1`` is its promise
that they hold. The library is LGPL-3.0-or-later and is only ever loaded, never part of this package.
"""

from __future__ import annotations

import ctypes
import functools
import os
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Optional

from ..errors import PantavisorError
from . import bcj
from .profile import Profile
from .structures import CompressorConfig, InodePointer, Super

DEFAULT_NAME = "libsquashfs.so.1"
DEVICE_BLOCK_BYTES = 4096  # what an image's size is a multiple of
META_BLOCK_BYTES = 8192

OPEN_OVERWRITE = 2
META_KEEP_IN_MEMORY = 1
DIR_EXPORT_TABLE = 1
SUPER_COMPRESSOR_OPTIONS = 0x0400
COMPRESSOR_UNCOMPRESS = 0x8000
NO_XATTR = 0xFFFFFFFF
UNKNOWN_VERSION = "of unknown version"
# Parameters of glibc's mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 32 * 1024 * 1024

_REASONS = {
    -1: "out of memory",
    -2: "input or output failed",
    -3: "the compressor failed",
    -4: "internal error",
    -5: "corrupted",
    -6: "not supported by this build of the library",
    -7: "a number is too large",
    -11: "illegal block size",
    -16: "invalid argument",
    -17: "calls out of order",
}


# name -> (result, arguments). A result of c_int is an error code that check() turns into an exception.
_CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "sqfs_free": (None, (c_void_p,)),
    "sqfs_open_file": (c_void_p, (c_char_p, c_uint32)),
    "sqfs_compressor_config_init": (c_int, (POINTER(CompressorConfig), c_int, c_size_t, c_uint16)),
    "sqfs_compressor_create": (c_int, (POINTER(CompressorConfig), POINTER(c_void_p))),
    "sqfs_super_init": (c_int, (POINTER(Super), c_size_t, c_uint32, c_int)),
    "sqfs_super_write": (c_int, (POINTER(Super), c_void_p)),
    "sqfs_frag_table_create": (c_void_p, (c_uint32,)),
    "sqfs_frag_table_write": (c_int, (c_void_p, c_void_p, POINTER(Super), c_void_p)),
    "sqfs_frag_table_append": (c_int, (c_void_p, c_uint64, c_uint32, POINTER(c_uint32))),
    "sqfs_id_table_create": (c_void_p, (c_uint32,)),
    "sqfs_id_table_id_to_index": (c_int, (c_void_p, c_uint32, POINTER(c_uint16))),
    "sqfs_id_table_write": (c_int, (c_void_p, c_void_p, POINTER(Super), c_void_p)),
    "sqfs_meta_writer_create": (c_void_p, (c_void_p, c_void_p, c_uint32)),
    "sqfs_meta_writer_append": (c_int, (c_void_p, c_char_p, c_size_t)),
    "sqfs_meta_writer_flush": (c_int, (c_void_p,)),
    "sqfs_meta_writer_get_position": (None, (c_void_p, POINTER(c_uint64), POINTER(c_uint32))),
    "sqfs_meta_write_write_to_file": (c_int, (c_void_p,)),
    "sqfs_meta_writer_write_inode": (c_int, (c_void_p, c_void_p)),
    "sqfs_dir_writer_create": (c_void_p, (c_void_p, c_uint32)),
    "sqfs_dir_writer_begin": (c_int, (c_void_p, c_uint32)),
    "sqfs_dir_writer_add_entry": (c_int, (c_void_p, c_char_p, c_uint32, c_uint64, c_uint16)),
    "sqfs_dir_writer_end": (c_int, (c_void_p,)),
    "sqfs_dir_writer_create_inode": (InodePointer, (c_void_p, c_size_t, c_uint32, c_uint32)),
    "sqfs_dir_writer_write_export_table": (
        c_int,
        (c_void_p, c_void_p, c_void_p, c_uint32, c_uint64, POINTER(Super)),
    ),
    "sqfs_xattr_writer_create": (c_void_p, (c_uint32,)),
    "sqfs_xattr_writer_begin": (c_int, (c_void_p, c_uint32)),
    "sqfs_xattr_writer_add": (c_int, (c_void_p, c_char_p, c_char_p, c_size_t)),
    "sqfs_xattr_writer_end": (c_int, (c_void_p, POINTER(c_uint32))),
    "sqfs_xattr_writer_flush": (c_int, (c_void_p, c_void_p, POINTER(Super), c_void_p)),
}

_VERSIONS = {
    "gzip": ("zlib", "zlibVersion"),
    "xz": ("liblzma", "lzma_version_string"),
    "lz4": ("liblz4", "LZ4_versionString"),
    "zstd": ("libzstd", "ZSTD_versionString"),
}


def check(code: int, what: str) -> None:
    """Raise PantavisorError when the library reports a failure while doing ``what``."""
    if code >= 0:
        return
    number = ctypes.get_errno()
    reason = _REASONS.get(code, f"libsquashfs error {code}")
    if code == -2 and number:
        reason = os.strerror(number)
    raise PantavisorError(f"cannot {what}: {reason}")


class Library:
    """The loaded library. Its calls are attributes;
    each raises PantavisorError where it reports an error.
    """

    def __init__(self, name: str) -> None:
        try:
            self._library = ctypes.CDLL(name, use_errno=True)
            for call, (result, arguments) in _CALLS.items():
                setattr(self, call.removeprefix("sqfs_"), self._bind(call, result, arguments))
        except (OSError, AttributeError) as error:
            raise PantavisorError(
                f"cannot load the squashfs library {name}: {error}", hint="run: apt install libsquashfs1"
            ) from error

    def __getattr__(self, call: str) -> Any:
        raise AttributeError(f"sqfs_{call} is not among the calls declared")

    def codec_version(self, codec: str) -> str:
        """Name and version of the library that does the compressing, such as "liblzma 5.4.1"."""
        name, call = _VERSIONS[codec]
        # A look-up through libsquashfs finds the very library it is linked to.
        function = getattr(self._library, call, None)
        if function is None:
            return f"{name} {UNKNOWN_VERSION}"
        function.restype = c_char_p
        return f"{name} {function().decode('ascii', 'replace')}"

    def block_call(self, profile: Profile, block_size: int) -> Any:
        """How a compressor does a block where libsquashfs's own way is not what ``profile`` means;
        else None.
        """
        if profile.branch_filter is None or profile.level is None:
            return None
        return bcj.block_call(
            self._library, profile.branch_filter, level=profile.level, dictionary=block_size
        )

    def _bind(self, call: str, result: Any, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        function = getattr(self._library, call)
        function.restype = result
        function.argtypes = arguments
        what = "write the squashfs image (" + call.removeprefix("sqfs_").replace("_", " ") + ")"
        if result is c_int:
            return functools.partial(_checked, function, what)
        if result is c_void_p or result is InodePointer:
            return functools.partial(_made, function, what)
        return function  # type: ignore[no-any-return]


def _checked(function: Callable[..., int], what: str, *arguments: Any) -> None:
    code = function(*arguments)
    if code < 0:
        check(code, what)


def _made(function: Callable[..., Any], what: str, *arguments: Any) -> Any:
    pointer = function(*arguments)
    if not pointer:
        raise PantavisorError(f"cannot {what}: {os.strerror(ctypes.get_errno())}")
    return pointer


def _keep_freed_memory() -> None:
    # malloc gets each block of an image from the kernel and gives it back:
    # that costs a tenth of all CPU time.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, musl does not
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(_TRIM_THRESHOLD, KEPT_BYTES)


@functools.lru_cache(maxsize=4)
def load(name: Optional[str] = None) -> Library:
    """The library at ``name``, a path or a name for the loader; None means the usual one."""
    _keep_freed_memory()
    return Library(name or DEFAULT_NAME)
