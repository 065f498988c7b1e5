# SPDX-License-Identifier: MIT
"""Forward-only reading of unpacked chunks, giving out pieces of them uncopied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Optional, Union

from ..codecs import CHUNK_BYTES
from ..errors import FormatError

_ZEROS = bytes(CHUNK_BYTES)


# (chunk, start, end): chunk[start:end], not copied, since what follows takes its address. A plain tuple:
# there are several for each file, and a named one takes ten times as long to make.
Span = tuple[bytes, int, int]


class ChunkStream:
    """Bytes in order from an iterator of chunks. Ending early is a FormatError that names ``what``."""

    def __init__(self, chunks: Iterator[bytes], *, what: str) -> None:
        self._chunks = chunks
        self._what = what
        self._chunk = b""
        self._position = 0  # within the chunk
        self._before = 0  # bytes of the chunks before this one

    @property
    def offset(self) -> int:
        """How many bytes were passed."""
        return self._before + self._position

    def at_end(self) -> bool:
        """Whether nothing follows."""
        return self._position == len(self._chunk) and not self._next()

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes."""
        end = self._position + size
        if end <= len(self._chunk):
            piece = self._chunk[self._position : end]
            self._position = end
            return piece
        return b"".join(chunk[start:stop] for chunk, start, stop in self.spans(size))

    def read_or_end(self, size: int) -> bytes:
        """Exactly ``size`` bytes, or none at the end."""
        end = self._position + size
        if end > len(self._chunk):
            return b"" if self.at_end() else self.read(size)
        piece = self._chunk[self._position : end]
        self._position = end
        return piece

    def spans(self, size: int) -> Iterator[Span]:
        """The next ``size`` bytes, uncopied. Raises FormatError."""
        while size:
            if self._position == len(self._chunk) and not self._next():
                raise FormatError(f"{self._what} ends in the middle of a member")
            start = self._position
            end = min(len(self._chunk), start + size)
            self._position = end
            size -= end - start
            yield self._chunk, start, end

    def span(self, size: int) -> Optional[Span]:
        """The next ``size`` bytes where one chunk has them; else None, and nothing is passed."""
        start = self._position
        end = start + size
        if end > len(self._chunk):
            return None
        self._position = end
        return self._chunk, start, end

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes."""
        if size <= len(self._chunk) - self._position:
            self._position += size
            return
        for _ in self.spans(size):
            pass

    def skip_to(self, offset: int) -> None:
        """Pass over all bytes before ``offset`` of the stream, which must not be passed already."""
        left = offset - self._before - self._position
        if left < 0:
            raise ValueError(f"offset {offset} is passed: {self.offset}")
        if left:
            self.skip(left)

    def skip_available(self, size: int) -> None:
        """Pass over up to ``size`` bytes: fewer at the end of the stream."""
        while size and not self.at_end():
            step = min(size, len(self._chunk) - self._position)
            self._position += step
            size -= step

    def drain(self) -> None:
        """Read to the end."""
        while self._next():
            pass

    def _next(self) -> bool:
        self._before += len(self._chunk)
        self._position = 0
        self._chunk = next(self._chunks, b"")
        return bool(self._chunk)


def zeros(size: int) -> Iterator[Span]:
    """``size`` zero bytes."""
    while size:
        step = min(size, CHUNK_BYTES)
        size -= step
        yield _ZEROS, 0, step


def local_spans(content: Union[bytes, Path], size: int) -> Iterator[Span]:
    """The bytes of a file of this machine, or given. Raises FormatError."""
    if isinstance(content, Path):
        yield from _path_spans(content, size)
    elif content:
        yield content, 0, len(content)


def _path_spans(path: Path, size: int) -> Iterator[Span]:
    with open(path, "rb", buffering=0) as stream:
        left = size
        while chunk := stream.read(min(CHUNK_BYTES, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            yield chunk, 0, len(chunk)
    if left:
        raise FormatError(f"{path} changed its size while it was read")
