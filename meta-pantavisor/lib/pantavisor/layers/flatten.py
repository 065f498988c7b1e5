# SPDX-License-Identifier: MIT
"""OCI layers become one tree; no file is ever unpacked to a disk.

Every layer is unpacked once, from the top down, its diff_id checked, and a caller that needs the contents
gets them as they come by. Which files of a lower layer the upper ones leave is then
known by their names; where symbolic links make that wrong, ``contents`` has given out a file too many, or
kept one back. Once all layers were read, the tree is exact, and contents can be read again: layers that own
a visible file are unpacked again, only visible bytes are handed on, and the blobs are verified again, so
that nothing can change in between.

A layer that is known from another time is verified as it is stored, and unpacked only for contents that are
asked for.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import BinaryIO, Optional

from .. import codecs
from ..codecs import CHUNK_BYTES
from ..digest import Digest, VerifyingReader
from ..errors import DigestError
from ..layout.image import LayerBlob
from .ahead import ahead
from .archive import Member, TarReader
from .hidden import Hidden
from .known import KnownLayer, KnownLayers
from .late_reader import LateReader, Source, spans_of
from .limits import DEFAULT, Budget, Limits
from .marks import Marks
from .merge import Merger
from .stream import ChunkStream, Span, local_spans
from .tree import IMPLIED, STRUCTURAL, Directory, File, Tree


class LayeredTree(Tree):
    """The tree of ``layers``, lowest first: empty until ``load``, or the first ``contents``, has read them.

    ``structural`` adds the mount points that a container must have, ``files`` are given where the image has
    none or an empty one. ``known`` has layers from another time. Reading raises DigestError for bytes that
    are not what blob digest or diff_id promise, FormatError for broken archives, LimitError beyond
    ``limits``.
    """

    reads_late = True

    def __init__(
        self,
        layers: Sequence[LayerBlob],
        limits: Limits = DEFAULT,
        *,
        structural: bool = True,
        files: Optional[Mapping[str, bytes]] = None,
        known: Optional[KnownLayers] = None,
    ) -> None:
        super().__init__(Directory(IMPLIED), [Source(blob.open, _name(blob)) for blob in layers])
        self._layers = layers
        self._budget = Budget(limits)
        self._marks = Marks()
        self._structural = structural
        self._files = dict(files or {})
        self._folders: list[str] = []
        self._known = known
        self._read_layers: list[tuple[LayerBlob, KnownLayer, int]] = []  # with the files known before
        self._readers: Optional[ExitStack] = None  # of known layers, while they are read
        self._loaded = False

    def load(self) -> None:
        """Raises DigestError."""
        if not self._loaded:
            for _ in self.contents():
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
        if self._loaded:
            yield from super().contents()
        elif self._readers is None:
            with self.reading():
                yield from self._read()
        else:
            yield from self._read()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """As of any tree."""
        try:
            with ExitStack() as self._readers:
                yield
        finally:
            self._readers = None

    def keep(self) -> None:
        """Keep the layers of which more is known than before."""
        if self._known is None:
            return
        for blob, layer, before in self._read_layers:
            if self._known.count(layer) > before:
                self._known.keep(blob, self._budget.limits, layer)

    def _read(self) -> Iterator[tuple[File, Iterator[Span]]]:
        hidden = Hidden()
        stack: list[list[Member]] = []
        for index in reversed(range(len(self._layers))):
            members: list[Member] = []
            yield from self._layer(index, members, hidden)
            hidden.add(members)
            stack.append(members)
        merger = Merger(self.root, self._budget)
        while stack:
            merger.add_layer(stack.pop())
        self._marks.sweep(self.root)
        self.left_out = self._marks.found
        if self._structural:
            self.add_missing(STRUCTURAL)
        given = [(self.give_file(path, content), content) for path, content in self._files.items()]
        self._loaded = True
        for path in self._folders:
            super().need_folder(path)
        for file, content in given:
            if file is not None:
                yield file, local_spans(content, file.size)

    def _layer(
        self, index: int, members: list[Member], hidden: Hidden
    ) -> Iterator[tuple[File, Iterator[Span]]]:
        """The contents of a layer, whose ``members`` are all there at the end."""
        blob = self._layers[index]
        known = self._known
        if known is None:
            yield from self._read_layer(index, members, hidden, self._marks)
            return
        layer = known.find(blob, self._budget.limits, index)
        if layer is None:
            marks, before = Marks(), self._budget.usage
            yield from self._read_layer(index, members, hidden, marks)
            layer = KnownLayer.of(members, self._budget.used_since(before), marks.found)
            self._read_layers.append((blob, layer, 0))
        else:
            _verify(blob)
            members += layer.members
            self._read_layers.append((blob, KnownLayer.of(*layer), known.count(layer)))
            self._budget.add(layer.usage)
            files = [node for path, node, _ in members if isinstance(node, File) and not hidden.hides(path)]
            yield from self._late(index, files)
        self._marks.add(layer.marks)

    def _late(self, index: int, files: Sequence[File]) -> Iterator[tuple[File, Iterator[Span]]]:
        """The contents of ``files``, sorted by offset, which are read as long as the tree is."""
        assert self._readers is not None
        blob = self._layers[index]
        reader = self._readers.enter_context(LateReader(blob.open, _name(blob)))
        for file in files:
            yield file, reader.spans(file)

    def _stored(self, index: int, files: Sequence[File]) -> Iterator[tuple[File, Iterator[Span]]]:
        # What was not known is read at once: its layer need not be kept open.
        if self._readers is None or all(file.pieces is None for file in files):
            return super()._stored(index, files)
        return self._late(index, files)

    def _read_layer(
        self, index: int, members: list[Member], hidden: Hidden, marks: Marks
    ) -> Iterator[tuple[File, Iterator[Span]]]:
        blob = self._layers[index]
        what = _name(blob)
        hasher = hashlib.new(blob.diff_id.algorithm)
        # Its diff_id promises all that comes out of it. Only what is kept of a layer needs its digest, too.
        opener = blob.open_unverified if self._known is None else blob.open
        # The thread is over before the blob is closed, whatever ends the reading.
        with opener() as packed, closing(
            ahead(_hashed(codecs.unpack(packed, what=what), hasher))
        ) as chunks:
            stream = ChunkStream(_measured(chunks, lambda: blob.size, self._budget), what=what)
            for member in TarReader(stream, self._budget, marks, source=index, what=what):
                members.append(member)
                if isinstance(member.node, File) and not hidden.hides(member.path):
                    yield member.node, spans_of(member.node, stream)
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
    tree = Tree(root, [Source(open_again, what)], left_out=marks.found)
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


def _verify(blob: LayerBlob) -> None:
    """Raise DigestError unless the blob is as its digest promises."""
    with blob.open() as packed:
        while packed.read(CHUNK_BYTES):
            pass


def _hashed(chunks: Iterator[bytes], hasher: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk


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
