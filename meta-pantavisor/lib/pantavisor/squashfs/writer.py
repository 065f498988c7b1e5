# SPDX-License-Identifier: MIT
"""A tree becomes a squashfs image.

The same tree, profile, ``mtime`` and codec library give the same bytes, for any user, anywhere, with
however many threads. The codec library's version is part of that sentence: ``Written.packing`` records it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Optional, Union

from .. import atomic
from ..cache import Cache
from ..errors import FormatError
from ..layers.stream import Span
from ..layers.tree import DIGEST_BYTES, Directory, File, Node, Pieces, Tree, Xattrs
from . import inodes
from .data_area import Content
from .inode_order import InodeOrder
from .library import NO_XATTR, load
from .open_image import Image
from .pack_record import PackRecord
from .profile import MAX_BLOCK_BYTES, MIN_BLOCK_BYTES, Profile
from .xattrs import has_place

MAX_THREADS = 64
MAX_OWNERS = 65_535  # users and groups together; the superblock counts them in 16 bits


@dataclass(frozen=True)
class Written:
    """What was written: size in bytes, how it was packed, and names of extended attributes
    that squashfs has no place for and that were left out (POSIX ACLs, for one).
    """

    size: int
    packing: PackRecord
    dropped_xattrs: tuple[str, ...] = ()


def write(
    tree: Tree,
    path: Union[str, PathLike[str]],
    *,
    profile: Profile,
    mtime: Optional[int] = None,
    threads: int = 0,
    block_size: Optional[int] = None,
    library: Optional[str] = None,
    cache: Optional[Cache] = None,
) -> Written:
    """Write ``tree`` to ``path``, which appears only when all is well.

    ``mtime`` (seconds) is the image's time and the latest that any file gets, as SOURCE_DATE_EPOCH means
    it; without it the image has the time of its newest file. ``threads`` 0 means as many as are of use.
    ``block_size`` is the profile's unless given. ``library`` is a path of libsquashfs, or a name for the
    loader. ``cache`` has packed blocks and keeps new ones, unless the profile is quick. Raises
    PantavisorError when the library is missing or fails, FormatError for what squashfs cannot hold, and
    what reading the tree's contents raises.
    """
    block_size = profile.block_bytes if block_size is None else block_size
    _check_block_size(block_size)
    loaded = load(library)
    threads = threads or (1 if profile.is_quick else _processors())
    cache = None if profile.is_quick else cache

    def attempt() -> tuple[str, ...]:
        with Image.creating(
            loaded, beside, profile, threads=min(threads, MAX_THREADS), block_size=block_size, cache=cache
        ) as image:
            return _Writer(image, tree, mtime).write()

    with atomic.replacing_path(path) as beside:
        try:
            try:
                dropped = attempt()
            except _OtherFiles:
                dropped = attempt()
            if cache is not None:
                tree.keep()
        finally:
            if cache is not None:
                cache.flush()
        size = beside.stat().st_size
        beside.chmod(0o644)
    packing = PackRecord(
        profile.codec,
        profile.level,
        loaded.codec_version(profile.codec),
        profile.branch_filter,
        block_size,
    )
    return Written(size, packing, dropped)


class _OtherFiles(Exception):
    """The tree gave out other files than it has, as it may when it is read for the first time."""


class _Writer:
    """One tree on its way into one image."""

    def __init__(self, image: Image, tree: Tree, mtime: Optional[int]) -> None:
        self._image = image
        self._library = image.library
        self._tree = tree
        self._mtime = mtime
        self._knows_pieces = image.has_cache and tree.reads_late
        self._numbering = InodeOrder()
        self._newest = 0
        self._references: dict[int, int] = {}  # where each inode lies, by id() of its node
        self._dropped: set[bytes] = set()
        # By id(); the files are kept alive, so that each id is one file's.
        self._contents: dict[int, tuple[File, Content]] = {}

    def write(self) -> tuple[str, ...]:
        """Write everything; the names of the extended attributes that were left out."""
        with self._tree.reading():
            for file, spans in self._tree.contents():
                self._contents[id(file)] = file, self._add(file, spans)
            self._image.data.finish()
        self._numbering = InodeOrder.of(self._tree)
        nodes = self._numbering.order
        if {id(node) for node in nodes if isinstance(node, File)} != self._contents.keys():
            raise _OtherFiles
        newest = _check_metadata(nodes)
        self._newest = inodes.clamp(newest if self._mtime is None else self._mtime)
        self._image.begin_inodes()
        self._remember_pieces()
        for node in nodes:
            self._write_inode(node)
        root = self._references[id(self._tree.root)]
        self._image.finish(inode_count=len(nodes), root_reference=root, mtime=self._newest)
        return tuple(sorted(name.decode("utf-8", "backslashreplace") for name in self._dropped))

    def _add(self, file: File, spans: Iterator[Span]) -> Content:
        data, size, known = self._image.data, self._image.block_size, file.pieces
        if not file.size:
            return Content()
        if not self._knows_pieces or known is None or known.size != size:
            return data.add(spans, file.size)
        count = -(-file.size // size)
        digests = (known.digests[DIGEST_BYTES * n : DIGEST_BYTES * (n + 1)] for n in range(count))
        return data.add_known(spans, file.size, list(digests))

    def _remember_pieces(self) -> None:
        if self._knows_pieces:
            for file, content in self._contents.values():
                file.pieces = Pieces(self._image.block_size, content.digests)

    def _write_inode(self, node: Node) -> None:
        links = self._numbering.links[id(node)]
        xattrs = node.metadata.xattrs
        xattr = self._image.xattr_index(self._storable(xattrs)) if xattrs else NO_XATTR
        if isinstance(node, Directory):
            self._write_directory(node, xattr)
            return
        base = self._base(node)
        if isinstance(node, File):
            inode = inodes.file(base, self._contents[id(node)][1], links, xattr)
        else:
            inode = inodes.special(base, node, links, xattr)
        self._references[id(node)] = self._image.inodes.add(inode)

    def _write_directory(self, directory: Directory, xattr: int) -> None:
        writer = self._image.directories
        numbers, references = self._numbering.numbers, self._references
        self._library.dir_writer_begin(writer, 0)
        add, entries = self._library.dir_writer_add_entry, directory.entries
        subdirectories = 0
        for name in sorted(entries):
            node = entries[name]
            key, kind = id(node), inodes.file_type(node)
            add(writer, name, numbers[key], references[key], kind)
            subdirectories += kind == inodes.DIRECTORY_TYPE
        self._library.dir_writer_end(writer)
        parent = self._numbering.parent_number(directory)
        inode = self._library.dir_writer_create_inode(writer, 0, xattr, parent)
        try:
            inodes.finish_directory(inode, self._base(directory), 2 + subdirectories)
            self._references[id(directory)] = self._image.inodes.add_made(inode)
        finally:
            self._library.free(inode)

    def _base(self, node: Node) -> inodes.Base:
        mode, uid, gid, mtime, _ = node.metadata
        if not 0 <= mtime <= self._newest:
            mtime = max(0, min(mtime, self._newest))
        index = self._image.id_index
        return mode, index(uid), index(gid), mtime, self._numbering.numbers[id(node)]

    def _storable(self, xattrs: Xattrs) -> Xattrs:
        kept = tuple(pair for pair in xattrs if has_place(pair[0]))
        self._dropped.update(name for name, _ in xattrs if not has_place(name))
        return kept


def _check_metadata(nodes: Sequence[Node]) -> int:
    """The time of the newest file. Raises FormatError for more owners than an image has numbers for."""
    different = {node.metadata for node in nodes}
    newest = max(metadata.mtime for metadata in different)
    owners = {owner for metadata in different for owner in (metadata.uid, metadata.gid)}
    if len(owners) > MAX_OWNERS:
        raise FormatError(
            f"the tree has {len(owners)} different users and groups; squashfs can hold {MAX_OWNERS}"
        )
    return newest


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _check_block_size(size: int) -> None:
    if not MIN_BLOCK_BYTES <= size <= MAX_BLOCK_BYTES or size & (size - 1):
        raise FormatError(
            f"squashfs has no block size of {size} bytes", hint="use a power of two from 4096 to 1048576"
        )
