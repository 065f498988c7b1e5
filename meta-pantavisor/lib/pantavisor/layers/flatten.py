# SPDX-License-Identifier: MIT
"""OCI layers become one tree; no file is ever unpacked to a disk.

Every layer is unpacked once, from the top down, its blob digest, size and diff_id checked, and a caller
that needs the contents gets them as they come by. Which files of a lower layer the upper ones leave is then
known by their names; where symbolic links make that wrong, ``contents`` has given out a file too many, or
kept one back. Once all layers were read, the tree is exact, and contents can be read again: layers that own
a visible file are unpacked again, only visible bytes are handed on, and the blobs are verified again, so
that nothing can change in between.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import BinaryIO, Optional

from .. import codecs
from ..codecs import CHUNK_BYTES
from ..digest import Digest, VerifyingReader
from ..errors import DigestError
from ..layout.image import LayerBlob
from . import sparse
from .ahead import ahead
from .archive import Member, TarReader
from .hidden import Hidden
from .limits import DEFAULT, Budget, Limits
from .marks import Marks
from .merge import Merger
from .stream import ChunkStream, Span
from .tree import HEAD_BYTES, IMPLIED, STRUCTURAL, Directory, File, Stored, Tree, local_spans


class LayeredTree(Tree):
    """The tree of ``layers``, lowest first: empty until ``load``, or the first ``contents``, has read them.

    ``structural`` adds the mount points that a container must have, ``files`` are given where the image has
    none or an empty one. Reading raises DigestError for bytes that are not what blob digest or diff_id
    promise, FormatError for broken archives, LimitError beyond ``limits``.
    """

    def __init__(
        self,
        layers: Sequence[LayerBlob],
        limits: Limits = DEFAULT,
        *,
        structural: bool = True,
        files: Optional[Mapping[str, bytes]] = None,
    ) -> None:
        super().__init__(Directory(IMPLIED), [_Source(blob.open, _name(blob)) for blob in layers])
        self._layers = layers
        self._budget = Budget(limits)
        self._marks = Marks()
        self._structural = structural
        self._files = dict(files or {})
        self._folders: list[str] = []
        self._loaded = False

    def load(self) -> None:
        """Raises DigestError."""
        if not self._loaded:
            for _ in self._read():
                pass

    def need_folder(self, path: str) -> None:
        """At once, or as soon as it is known what there is."""
        if self._loaded:
            super().need_folder(path)
        else:
            self._folders.append(path)

    def contents(self) -> Iterator[tuple[File, Iterator[Span]]]:
        """As of any tree, but the first time files may come that the tree then turns out not to have,
        or be missing. Raises DigestError.
        """
        return super().contents() if self._loaded else self._read()

    def _read(self) -> Iterator[tuple[File, Iterator[Span]]]:
        hidden = Hidden()
        stack: list[list[Member]] = []
        for index in reversed(range(len(self._layers))):
            members: list[Member] = []
            yield from self._read_layer(index, members, hidden)
            hidden.add(members)
            stack.append(members)
        merger = Merger(self.root, self._budget)
        while stack:
            merger.add_layer(stack.pop())
        self._marks.sweep(self.root)
        self.left_out = self._marks.found
        if self._structural:
            self.add_missing(STRUCTURAL)
        given = [self.give_file(path, content) for path, content in self._files.items()]
        self._loaded = True
        for path in self._folders:
            super().need_folder(path)
        for file in filter(None, given):
            yield file, local_spans(file)

    def _read_layer(
        self, index: int, members: list[Member], hidden: Hidden
    ) -> Iterator[tuple[File, Iterator[Span]]]:
        blob = self._layers[index]
        what = _name(blob)
        hasher = hashlib.new(blob.diff_id.algorithm)
        # The thread is over before the blob is closed, whatever ends the reading.
        with blob.open() as packed, closing(
            ahead(_hashed(codecs.unpack(packed, what=what), hasher))
        ) as chunks:
            stream = ChunkStream(_measured(chunks, lambda: blob.size, self._budget), what=what)
            for member in TarReader(stream, self._budget, self._marks, source=index, what=what):
                members.append(member)
                if isinstance(member.node, File) and not hidden.hides(member.path):
                    yield member.node, _spans_of(member.node, stream)
            stream.drain()
        if hasher.hexdigest() != blob.diff_id.hex:
            unpacked = Digest(blob.diff_id.algorithm, hasher.hexdigest())
            raise DigestError(f"{what} unpacks to {unpacked}, but its image promises {blob.diff_id}")


def flatten(layers: Sequence[LayerBlob], limits: Limits = DEFAULT, *, structural: bool = True) -> Tree:
    """The loaded LayeredTree."""
    tree = LayeredTree(layers, limits, structural=structural)
    tree.load()
    return tree


def from_tar(
    open_tar: Callable[[], BinaryIO],
    limits: Limits = DEFAULT,
    *,
    what: str = "tar",
    structural: bool = False,
) -> Tree:
    """The tree of a plain tar of a root file system, packed or not;
    names that begin with ``.wh.`` are only names.

    ``open_tar`` is called for each pass, and must give the same bytes each time. Raises as flatten does.
    """
    budget, marks = Budget(limits), Marks()
    root = Directory(IMPLIED)
    merger = Merger(root, budget)
    with open_tar() as stream:
        packed = _Packed(stream)
        chunks = _measured(codecs.unpack(packed, what=what), lambda: packed.count, budget)
        unpacked = ChunkStream(chunks, what=what)
        for member in TarReader(unpacked, budget, marks, source=0, what=what):
            merger.add(member)
        unpacked.drain()
    digest = Digest("sha256", packed.hasher.hexdigest())

    def open_again() -> BinaryIO:
        return io.BufferedReader(VerifyingReader(open_tar(), digest, packed.count, what=what), CHUNK_BYTES)

    marks.sweep(root)
    tree = Tree(root, [_Source(open_again, what)], left_out=marks.found)
    if structural:
        tree.add_missing(STRUCTURAL)
    return tree


def _name(blob: LayerBlob) -> str:
    return f"layer {blob.digest}"


def _measured(chunks: Iterator[bytes], packed: Callable[[], int], budget: Budget) -> Iterator[bytes]:
    unpacked = 0
    for chunk in chunks:
        unpacked += len(chunk)
        budget.add_bytes(len(chunk))
        budget.check_ratio(unpacked, packed())
        yield chunk


def _hashed(chunks: Iterator[bytes], hasher: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk


class _Source:
    """A packed archive that can be opened again;
    ``opener`` gives a stream that verifies itself at its end.
    """

    def __init__(self, opener: Callable[[], BinaryIO], what: str) -> None:
        self._open = opener
        self._what = what

    def contents(self, files: Sequence[File]) -> Iterator[tuple[File, Iterator[Span]]]:
        """The files, which are sorted by offset, with their bytes."""
        with self._open() as packed:
            stream = ChunkStream(codecs.unpack(packed, what=self._what), what=self._what)
            for file in files:
                content = file.content
                assert isinstance(content, Stored)
                stream.skip_to(content.offset)
                yield file, _spans_of(file, stream)
            # Nothing more is needed, but only the end shows whether all of it was genuine.
            while packed.read(CHUNK_BYTES):
                pass


def _spans_of(file: File, stream: ChunkStream) -> Iterator[Span]:
    """The bytes of ``file``, whose stored ones are next in ``stream``."""
    content = file.content
    assert isinstance(content, Stored)
    spans = (
        stream.spans(file.size)
        if content.segments is None
        else sparse.expand(stream, content.segments, file.size)
    )
    if content.head or not file.size:
        return spans
    return _remembered(file, content, spans)


def _remembered(file: File, content: Stored, spans: Iterator[Span]) -> Iterator[Span]:
    """The spans, of which the file keeps the first bytes."""
    for span in spans:
        if not content.head:
            end = min(span.end, span.start + HEAD_BYTES)
            head = span.chunk[span.start : end]
            content = file.content = Stored(content.source, content.offset, content.segments, head)
        yield span


class _Packed:
    """A stream that counts and hashes what is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.hasher = hashlib.sha256()
        self.count = 0

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, none at the end."""
        chunk = self._stream.read(size)
        self.hasher.update(chunk)
        self.count += len(chunk)
        return chunk
