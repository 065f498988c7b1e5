# SPDX-License-Identifier: MIT
"""The library's objects that make one image, in the order in which the format wants them used."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ctypes import byref, c_uint16, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Optional

from ..cache import Cache
from ..layers.tree import Xattrs
from .cached_blocks import cached_call
from .library import (
    COMPRESSOR_UNCOMPRESS,
    DEVICE_BLOCK_BYTES,
    DIR_EXPORT_TABLE,
    META_KEEP_IN_MEMORY,
    NO_XATTR,
    OPEN_OVERWRITE,
    SUPER_COMPRESSOR_OPTIONS,
    UNKNOWN_VERSION,
    Library,
    check,
)
from .profile import Profile
from .structures import Compressor, CompressorConfig, ObjectBase, ProcessorDescription, SqfsFile, Super

# Blocks that wait for a compressor: enough to keep all threads busy and not to wake one for a single block,
# few enough to stay small in memory.
_BACKLOG_BLOCKS = 16
_BACKLOG_BLOCKS_PER_THREAD = 2


class Image:
    """An image being written: file, compressor, tables. Made by ``creating``, which also takes it apart."""

    def __init__(
        self,
        library: Library,
        path: Path,
        profile: Profile,
        *,
        threads: int,
        block_size: int,
        cache: Optional[Cache] = None,
    ) -> None:
        self.library = library
        self._profile = profile
        self._block_size = block_size
        self._cache = cache
        self._objects = ExitStack()
        self._ids: dict[int, int] = {}
        self._xattrs: dict[Xattrs, int] = {(): NO_XATTR}
        self._block_call = library.block_call(profile, block_size)
        self._cached_call: Any = None  # kept alive for the library, as the one above
        try:
            self.file = self._own(library.open_file(bytes(path), OPEN_OVERWRITE))
            self._file_calls = ctypes.cast(self.file, ctypes.POINTER(SqfsFile)).contents
            self.compressor = self._own(self._compressor(0))
            self.super = Super()
            library.super_init(byref(self.super), block_size, 0, profile.compressor)
            self._begin()
            self._fragments = self._own(library.frag_table_create(0))
            self.processor = self._processor(threads)
            self._id_table = self._own(library.id_table_create(0))
            self._xattr_writer = self._own(library.xattr_writer_create(0))
            self.inodes = self._own(library.meta_writer_create(self.file, self.compressor, 0))
            self._listings = self._own(
                library.meta_writer_create(self.file, self.compressor, META_KEEP_IN_MEMORY)
            )
            self.directories = self._own(library.dir_writer_create(self._listings, DIR_EXPORT_TABLE))
        except BaseException:
            self._objects.close()
            raise

    @classmethod
    @contextmanager
    def creating(cls, library: Library, path: Path, profile: Profile, **options: Any) -> Iterator[Image]:
        """An image at ``path`` whose objects are gone at the end of the block."""
        image = cls(library, path, profile, **options)
        with image._objects:
            yield image

    def id_index(self, number: int) -> int:
        """The place of a uid or gid in the id table."""
        index = self._ids.get(number)
        if index is None:
            place = c_uint16()
            self.library.id_table_id_to_index(self._id_table, number, byref(place))
            index = self._ids[number] = place.value
        return index

    def xattr_index(self, xattrs: Xattrs) -> int:
        """The number of a set of extended attributes, NO_XATTR for none. The names must have one of
        XATTR_PREFIXES.
        """
        index = self._xattrs.get(xattrs)
        if index is None:
            self.library.xattr_writer_begin(self._xattr_writer, 0)
            for name, value in xattrs:
                self.library.xattr_writer_add(self._xattr_writer, name, value, len(value))
            place = c_uint32()
            self.library.xattr_writer_end(self._xattr_writer, byref(place))
            index = self._xattrs[xattrs] = place.value
        return index

    def inode_position(self) -> int:
        """The reference of the inode that is written next."""
        block, offset = c_uint64(), c_uint32()
        self.library.meta_writer_get_position(self.inodes, byref(block), byref(offset))
        return block.value << 16 | offset.value

    def begin_inodes(self) -> None:
        """All file content is in; inodes follow."""
        self.library.block_processor_finish(self.processor)
        self.super.inode_table_start = self.size()

    def finish(self, *, inode_count: int, root_reference: int, mtime: int) -> None:
        """Write the tables and the superblock, and fill up the last device block. ``mtime`` is the image's
        time.
        """
        library, file, compressor, head = self.library, self.file, self.compressor, byref(self.super)
        library.meta_writer_flush(self.inodes)
        self.super.directory_table_start = self.size()
        library.meta_writer_flush(self._listings)
        library.meta_write_write_to_file(self._listings)
        self.super.modification_time = mtime
        self.super.inode_count = inode_count
        self.super.root_inode_ref = root_reference
        library.frag_table_write(self._fragments, file, head, compressor)
        library.dir_writer_write_export_table(
            self.directories, file, compressor, inode_count, root_reference, head
        )
        library.id_table_write(self._id_table, file, head, compressor)
        library.xattr_writer_flush(self._xattr_writer, file, head, compressor)
        self.super.bytes_used = self.size()
        library.super_write(head, file)
        self._fill()

    def size(self) -> int:
        """Bytes in the file so far."""
        return int(self._file_calls.get_size(self.file))

    def _begin(self) -> None:
        # Written twice: first to keep its place, at the end with what was found out.
        self.library.super_write(byref(self.super), self.file)
        calls = ctypes.cast(self.compressor, ctypes.POINTER(Compressor)).contents
        written = calls.write_options(self.compressor, self.file)
        check(written, "write the options of the compressor")
        if written > 0:
            self.super.flags |= SUPER_COMPRESSOR_OPTIONS

    def _compressor(self, flags: int) -> Any:
        config = CompressorConfig()
        self.library.compressor_config_init(
            byref(config), self._profile.compressor, self._block_size, self._profile.flags | flags
        )
        if self._profile.level is not None:
            config.level = self._profile.level
        made = c_void_p()
        self.library.compressor_create(byref(config), byref(made))
        if not flags & COMPRESSOR_UNCOMPRESS:
            self._replace_block_call(made)
        return made.value

    def _replace_block_call(self, compressor: Any) -> None:
        calls = ctypes.cast(compressor, ctypes.POINTER(Compressor)).contents
        if self._block_call is not None:
            calls.do_block = self._block_call
        version = self.library.codec_version(self._profile.codec)
        if self._cache is not None and UNKNOWN_VERSION not in version:
            packing = f"{self._profile}, {version}, blocks of {self._block_size}"
            self._cached_call = calls.do_block = cached_call(compressor, packing, self._cache)

    def _processor(self, threads: int) -> Any:
        blocks = self._own(self.library.block_writer_create(self.file, DEVICE_BLOCK_BYTES, 0))
        # With file and decompressor the library compares bytes before it takes two fragments for one.
        description = ProcessorDescription(
            size=ctypes.sizeof(ProcessorDescription),
            max_block_size=self._block_size,
            num_workers=threads,
            max_backlog=_BACKLOG_BLOCKS + _BACKLOG_BLOCKS_PER_THREAD * threads,
            cmp=self.compressor,
            wr=blocks,
            tbl=self._fragments,
            file=self.file,
            uncmp=self._own(self._compressor(COMPRESSOR_UNCOMPRESS)),
        )
        made = c_void_p()
        self.library.block_processor_create_ex(byref(description), byref(made))
        return self._own(made.value)

    def _fill(self) -> None:
        missing = -self.size() % DEVICE_BLOCK_BYTES
        if missing:
            check(
                self._file_calls.write_at(self.file, self.size(), bytes(missing), missing),
                "fill up the squashfs image",
            )

    def _own(self, pointer: Any) -> Any:
        destroy = ctypes.cast(pointer, ctypes.POINTER(ObjectBase)).contents.destroy
        self._objects.callback(destroy, pointer)
        return pointer
