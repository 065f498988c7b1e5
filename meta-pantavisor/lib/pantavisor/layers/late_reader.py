# SPDX-License-Identifier: MIT
"""Contents of files in packed archives that can be opened again, when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Optional

from .. import codecs
from ..codecs import CHUNK_BYTES
from . import sparse
from .stream import ChunkStream, Span
from .tree import HEAD_BYTES, PROGRAM_BYTES, PROGRAM_MAGIC, File, Stored


class Source:
    """A packed archive that can be opened again;
    ``opener`` gives a stream that verifies itself at its end.
    """

    def __init__(self, opener: Callable[[], BinaryIO], what: str) -> None:
        self._open = opener
        self._what = what

    def contents(self, files: Sequence[File]) -> Iterator[tuple[File, Iterator[Span]]]:
        """The files, which are sorted by offset, with their bytes."""
        with LateReader(self._open, self._what) as reader:
            for file in files:
                yield file, reader.spans(file)


def spans_of(file: File, stream: ChunkStream) -> Iterator[Span]:
    """The bytes of ``file``, whose stored ones are next in ``stream``."""
    content = file.content
    assert isinstance(content, Stored)
    if content.segments is not None:
        return _remembered(file, sparse.expand(stream, content.segments, file.size))
    # Most files are small, and lie in one chunk.
    span = stream.span(file.size) if file.size else None
    if span is None:
        return _remembered(file, stream.spans(file.size))
    _remember(file, span)
    return iter((span,))


def _remembered(file: File, spans: Iterator[Span]) -> Iterator[Span]:
    """The spans, of which the file keeps the first bytes."""
    for span in spans:
        _remember(file, span)
        yield span


def _remember(file: File, span: Span) -> None:
    """Keep the first bytes of the first span."""
    content = file.content
    assert isinstance(content, Stored)
    if not content.head:
        chunk, start, end = span
        is_program = file.metadata.mode & 0o111 and chunk.startswith(PROGRAM_MAGIC, start, end)
        head = chunk[start : min(end, start + (PROGRAM_BYTES if is_program else HEAD_BYTES))]
        file.content = Stored(content.source, content.offset, content.segments, head)


class LateReader:
    """Contents of a layer of which perhaps none is needed: it is opened for the first that is. Best is the
    order in which they lie there. What was opened is verified at the end of the ``with`` block, or at the
    end of a file that is read after it.
    """

    def __init__(self, opener: Callable[[], BinaryIO], what: str) -> None:
        self._open = opener
        self._what = what
        self._packed: Optional[BinaryIO] = None
        self._stream: Optional[ChunkStream] = None
        self._is_over = False

    def __enter__(self) -> LateReader:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._is_over = True
        self._close(verify=kind is None)

    def spans(self, file: File) -> Iterator[Span]:
        """The bytes of ``file``. Raises DigestError."""
        content = file.content
        assert isinstance(content, Stored)
        if self._stream is None or self._stream.offset > content.offset:
            self._close(verify=True)
            self._packed = self._open()
            self._stream = ChunkStream(codecs.unpack(self._packed, what=self._what), what=self._what)
        self._stream.skip_to(content.offset)
        try:
            yield from spans_of(file, self._stream)
        finally:
            if self._is_over:
                self._close(verify=True)

    def _close(self, *, verify: bool) -> None:
        if self._packed is not None:
            with self._packed as packed:
                while verify and packed.read(CHUNK_BYTES):
                    pass
        self._packed = self._stream = None
