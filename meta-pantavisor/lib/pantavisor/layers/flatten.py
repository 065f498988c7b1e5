"""OCI layers become one tree, in two passes over the packed blobs; no file is ever unpacked to a disk.

Pass 1 unpacks every layer once, checks blob digest, size and diff_id, and reads the members: afterwards the tree is
whole and every byte of input was verified. Pass 2 happens when someone asks for the tree's contents: layers that still
own a visible file are unpacked again, and only visible bytes are handed on. Its blobs are verified again, so that
nothing can change between the passes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from ..digest import Digest, VerifyingReader
from ..errors import DigestError
from ..layout.image import LayerBlob
from . import codecs, sparse
from .archive import TarReader
from .limits import DEFAULT, Budget, Limits
from .merge import Merger
from .stream import CHUNK_BYTES, ChunkStream, Span
from .tree import IMPLIED, STRUCTURAL, Directory, File, Stored, Tree

_SNIFF_BYTES = 8


def flatten(layers: Sequence[LayerBlob], limits: Limits = DEFAULT, *, structural: bool = True) -> Tree:
    """The tree of ``layers``, lowest first. ``structural`` adds the mount points that a container must have.

    Raises DigestError for bytes that are not what blob digest or diff_id promise, FormatError for broken archives,
    LimitError beyond ``limits``.
    """
    budget = Budget(limits)
    root = Directory(IMPLIED)
    merger = Merger(root, budget)
    sources = []
    for index, blob in enumerate(layers):
        _add_layer(blob, index, merger, budget)
        sources.append(_Source(blob.open, blob.compression, _name(blob)))
    return _finish(root, sources, structural)


def from_tar(
    open_tar: Callable[[], BinaryIO], limits: Limits = DEFAULT, *, what: str = "tar", structural: bool = False
) -> Tree:
    """The tree of a plain tar of a root file system, packed or not; names that begin with ``.wh.`` are only names.

    ``open_tar`` is called for each pass, and must give the same bytes each time. Raises as flatten does.
    """
    budget = Budget(limits)
    root = Directory(IMPLIED)
    merger = Merger(root, budget)
    with open_tar() as stream:
        packed = _Packed(stream)
        compression = codecs.detect(packed.head)
        chunks = _measured(codecs.unpack(packed, compression, what=what), lambda: packed.count, budget)
        unpacked = ChunkStream(chunks, what=what)
        for member in TarReader(unpacked, budget, source=0, what=what):
            merger.add(member)
        unpacked.drain()
    digest = Digest("sha256", packed.hasher.hexdigest())

    def open_again() -> BinaryIO:
        return io.BufferedReader(VerifyingReader(open_tar(), digest, packed.count, what=what), CHUNK_BYTES)

    return _finish(root, [_Source(open_again, compression, what)], structural)


def _add_layer(blob: LayerBlob, index: int, merger: Merger, budget: Budget) -> None:
    what = _name(blob)
    hasher = hashlib.new(blob.diff_id.algorithm)
    with blob.open() as packed:
        chunks = _measured(codecs.unpack(packed, blob.compression, what=what), lambda: blob.size, budget)
        stream = ChunkStream(_hashed(chunks, hasher), what=what)
        merger.add_layer(TarReader(stream, budget, source=index, what=what))
        stream.drain()
    if hasher.hexdigest() != blob.diff_id.hex:
        unpacked = Digest(blob.diff_id.algorithm, hasher.hexdigest())
        raise DigestError(f"{what} unpacks to {unpacked}, but its image promises {blob.diff_id}")


def _finish(root: Directory, sources: Sequence[_Source], structural: bool) -> Tree:
    tree = Tree(root, sources)
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
    """A packed archive that can be opened again; ``opener`` gives a stream that verifies itself at its end."""

    def __init__(self, opener: Callable[[], BinaryIO], compression: str, what: str) -> None:
        self._open = opener
        self._compression = compression
        self._what = what

    def contents(self, files: Sequence[File]) -> Iterator[tuple[File, Iterator[Span]]]:
        """The files, which are sorted by offset, with their bytes."""
        with self._open() as packed:
            stream = ChunkStream(codecs.unpack(packed, self._compression, what=self._what), what=self._what)
            for file in files:
                content = file.content
                assert isinstance(content, Stored)
                stream.skip_to(content.offset)
                yield file, _spans(stream, content, file.size)
            # Nothing more is needed, but only the end tells whether all of it was genuine.
            while packed.read(CHUNK_BYTES):
                pass


def _spans(stream: ChunkStream, content: Stored, size: int) -> Iterator[Span]:
    if content.segments is None:
        return stream.spans(size)
    return sparse.expand(stream, content.segments, size)


class _Packed:
    """A stream whose first bytes can be looked at, and that counts and hashes what is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.head = stream.read(_SNIFF_BYTES)
        self._unread = self.head
        self.hasher = hashlib.sha256(self.head)
        self.count = len(self.head)

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, none at the end."""
        if self._unread:
            head, self._unread = self._unread, b""
            return head
        chunk = self._stream.read(size)
        self.hasher.update(chunk)
        self.count += len(chunk)
        return chunk
