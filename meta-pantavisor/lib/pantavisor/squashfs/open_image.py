# SPDX-License-Identifier: MIT
"""The library's objects that make one image, in the order in which the format wants them used."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ctypes import byref, c_uint16, c_uint32, c_void_p
from pathlib import Path
from typing import Any, Optional

from ..cache import Cache
from ..errors import PantavisorError
from ..layers.tree import Xattrs
from .cached_blocks import BlockPacker
from .data_area import DataArea
from .gathered import Gathered
from .inode_table import InodeTable
from .library import (
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
from .packing_threads import PackingThreads
from .profile import Profile
from .structures import Compressor, CompressorConfig, ObjectBase, SqfsFile, Super


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
        self.block_size = block_size
        self._cache = cache
        self._objects = ExitStack()
        self._ids: dict[int, int] = {}
        self._xattrs: dict[Xattrs, int] = {(): NO_XATTR}
        self._block_call = library.block_call(profile, block_size)
        self._metadata_call: Any = None  # kept alive for the library, as the one above
        try:
            self.file = self._own(library.open_file(bytes(path), OPEN_OVERWRITE))
            calls = ctypes.cast(self.file, ctypes.POINTER(SqfsFile)).contents
            # Each look at a member makes a function.
            self._read_at, self._write_at = calls.read_at, calls.write_at
            self._get_size, self._truncate = calls.get_size, calls.truncate
            self.compressor = self._own(self._compressor())
            self.super = Super()
            library.super_init(byref(self.super), block_size, 0, profile.compressor)
            self._begin()
            packers = [self._packer(self._own(self._compressor())) for _ in range(threads)]
            packer = self._packer_of_tables = self._metadata_packer()
            self.has_cache = packer.has_cache
            self._fragments = self._own(library.frag_table_create(0))
            self._id_table = self._own(library.id_table_create(0))
            self._xattr_writer = self._own(library.xattr_writer_create(0))
            inodes = self._own(library.meta_writer_create(self.file, self.compressor, 0))
            self.inodes = InodeTable(library, inodes)
            self._listings = self._own(
                library.meta_writer_create(self.file, self.compressor, META_KEEP_IN_MEMORY)
            )
            self.directories = self._own(library.dir_writer_create(self._listings, DIR_EXPORT_TABLE))
            workers = self._objects.enter_context(PackingThreads(packers, block_size))
            self._blocks = Gathered(self)
            self.data = DataArea(self._blocks, packer, workers, block_size)
        except BaseException:
            self._objects.close()
            raise

    @classmethod
    @contextmanager
    def creating(cls, library: Library, path: Path, profile: Profile, **options: Any) -> Iterator[Image]:
        """An image at ``path`` whose objects are gone at the end of the block."""
        image = cls(library, path, profile, **options)
        with image._objects:
            try:
                yield image
            except PantavisorError as error:
                # The library knows only that its compressor failed.
                if image._packer_of_tables.error is not None:
                    raise image._packer_of_tables.error from error
                raise

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

    def begin_inodes(self) -> None:
        """All file content is in; inodes follow."""
        self._blocks.flush()
        for position, word in self.data.ends_table:
            self.library.frag_table_append(self._fragments, position, word, None)
        self.super.inode_table_start = self.size()

    def finish(self, *, inode_count: int, root_reference: int, mtime: int) -> None:
        """Write the tables and the superblock, and fill up the last device block. ``mtime`` is the image's
        time.
        """
        library, file, compressor, head = self.library, self.file, self.compressor, byref(self.super)
        self.inodes.flush()
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
        return int(self._get_size(self.file))

    def write(self, data: object, size: int) -> None:
        """Write ``size`` bytes of ``data`` at the end of the file. Raises PantavisorError."""
        check(self._write_at(self.file, self.size(), data, size), "write the squashfs image")

    def read(self, position: int, size: int) -> bytes:
        """The ``size`` bytes that were written from ``position`` on. Raises PantavisorError."""
        content = ctypes.create_string_buffer(size)
        check(self._read_at(self.file, position, content, size), "read the squashfs image")
        return content.raw

    def truncate(self, size: int) -> None:
        """Cut the file to ``size`` bytes. Raises PantavisorError."""
        check(self._truncate(self.file, size), "cut the squashfs image")

    def _begin(self) -> None:
        # Written twice: first to keep its place, at the end with what was found out.
        self.library.super_write(byref(self.super), self.file)
        calls = ctypes.cast(self.compressor, ctypes.POINTER(Compressor)).contents
        written = calls.write_options(self.compressor, self.file)
        check(written, "write the options of the compressor")
        if written > 0:
            self.super.flags |= SUPER_COMPRESSOR_OPTIONS

    def _compressor(self) -> Any:
        config = CompressorConfig()
        self.library.compressor_config_init(
            byref(config), self._profile.compressor, self.block_size, self._profile.flags
        )
        if self._profile.level is not None:
            config.level = self._profile.level
        made = c_void_p()
        self.library.compressor_create(byref(config), byref(made))
        if self._block_call is not None:
            ctypes.cast(made, ctypes.POINTER(Compressor)).contents.do_block = self._block_call
        return made.value

    def _packer(self, compressor: Any) -> BlockPacker:
        version = self.library.codec_version(self._profile.codec)
        way = f"{self._profile}, {version}, blocks of {self.block_size}"
        return BlockPacker(compressor, way, None if UNKNOWN_VERSION in version else self._cache)

    def _metadata_packer(self) -> BlockPacker:
        """That of what the library writes itself."""
        packer = self._packer(self.compressor)
        # The library would store what lz4 made larger.
        if packer.has_cache or self._profile.codec == "lz4":
            self._metadata_call = packer.call()
            calls = ctypes.cast(self.compressor, ctypes.POINTER(Compressor)).contents
            calls.do_block = self._metadata_call
        return packer

    def _fill(self) -> None:
        missing = -self.size() % DEVICE_BLOCK_BYTES
        self.write(bytes(missing), missing)

    def _own(self, pointer: Any) -> Any:
        destroy = ctypes.cast(pointer, ctypes.POINTER(ObjectBase)).contents.destroy
        self._objects.callback(destroy, pointer)
        return pointer
