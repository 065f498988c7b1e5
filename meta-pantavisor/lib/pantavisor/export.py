"""The pvrexport: a tar with ``json`` first and then ``objects/<sha256>``, gzipped when its name says so.

Plain ustar with exact names, no directories and no extended headers: the device's reader knows nothing else. Sorted,
each object once, fixed times: the same state gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Optional, cast

from . import atomic
from .digest import OBJECT_ID
from .errors import DigestError, FormatError, LimitError
from .objects import ObjectPool
from .state import MAX_BYTES, MAX_PATHS, State

MAX_OBJECT_BYTES = 8 * 1024**3 - 1  # eleven octal digits
MAX_TOTAL_BYTES = 64 * 1024**3
GZIP_LEVEL = 1  # the objects are compressed already


def write(path: Path, state: State, pool: ObjectPool) -> None:
    """Write the export of ``state``; the objects must be in ``pool``."""
    gz = path.name.lower().endswith((".gz", ".tgz"))
    with atomic.replacing(path) as raw:
        stream = cast(BinaryIO, gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0)) if gz else raw
        _add(stream, "json", io.BytesIO(state.dumps()), len(state.dumps()))
        for object_id in sorted(state.object_ids()):
            with pool.open(object_id) as source:
                _add(stream, f"objects/{object_id}", source, pool.size(object_id))
        stream.write(bytes(2 * tarfile.BLOCKSIZE))
        if gz:
            stream.close()


def read(path: Path, pool: ObjectPool) -> State:
    """Put the objects into ``pool``, each verified; return the state. Raises for anything that is not an export."""
    try:
        with _opened(path) as stream:
            return _read(stream, pool, str(path))
    except (OSError, EOFError, tarfile.TarError) as error:
        if isinstance(error, OSError) and error.filename:
            raise
        raise FormatError(f"{path} is damaged or no export: {error}") from error


def _add(stream: BinaryIO, name: str, source: BinaryIO, size: int) -> None:
    if size > MAX_OBJECT_BYTES:
        raise LimitError(f"{name} is {size} bytes long; an export holds objects up to {MAX_OBJECT_BYTES}")
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = size, 0o644, 0
    stream.write(header.tobuf(tarfile.USTAR_FORMAT))
    left = size
    while left:
        chunk = source.read(min(left, 1 << 20))
        if not chunk:
            raise DigestError(f"{name} became shorter while it was read")
        stream.write(chunk)
        left -= len(chunk)
    stream.write(bytes(-size % tarfile.BLOCKSIZE))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with open(path, "rb") as raw:
        magic = raw.read(2)
        raw.seek(0)
        if magic == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast(BinaryIO, stream)
        else:
            yield raw


def _read(stream: BinaryIO, pool: ObjectPool, what: str) -> State:
    head = _next(stream, what)
    if head is None or head.name != "json" or head.size > MAX_BYTES:
        raise FormatError(f'{what} does not begin with an entry "json" of at most {MAX_BYTES} bytes')
    state = State.parse(_Member(stream, head.size).readall(), what=f"{what}: json")
    _skip_padding(stream, head.size)
    wanted = set(state.object_ids())
    total = 0
    for _ in range(MAX_PATHS + 1):
        entry = _next(stream, what)
        if entry is None:
            break
        object_id = entry.name[len("objects/") :]
        if not entry.name.startswith("objects/") or not OBJECT_ID.fullmatch(object_id):
            raise FormatError(f"{what} holds {entry.name[:120]!r}, which is neither json nor an object")
        total += entry.size
        if total > MAX_TOTAL_BYTES:
            raise LimitError(f"{what} holds more than {MAX_TOTAL_BYTES} bytes")
        _take(stream, entry, object_id, pool, wanted=object_id in wanted)
        wanted.discard(object_id)
    missing = sorted(object_id for object_id in wanted if object_id not in pool)
    if missing:
        raise FormatError(f"{what} lacks {len(missing)} of its objects, the first is {missing[0]}")
    return state


def _next(stream: BinaryIO, what: str) -> Optional[tarfile.TarInfo]:
    block = stream.read(tarfile.BLOCKSIZE)
    if not block or block == bytes(tarfile.BLOCKSIZE):
        return None
    if block[257:262] != b"ustar":
        raise FormatError(f"{what} is not a ustar archive")
    entry = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        raise FormatError(f"{what} holds {entry.name[:120]!r}, which is not a regular file")
    return entry


def _take(stream: BinaryIO, entry: tarfile.TarInfo, object_id: str, pool: ObjectPool, *, wanted: bool) -> None:
    member = _Member(stream, entry.size)
    if not wanted:
        while member.read(1 << 20):
            pass
    else:
        pool.put_stream(cast(BinaryIO, member), expected=object_id)
    _skip_padding(stream, entry.size)


def _skip_padding(stream: BinaryIO, size: int) -> None:
    stream.read(-size % tarfile.BLOCKSIZE)


class _Member(io.RawIOBase):
    """The next ``size`` bytes of a stream; its early end is an error."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        chunk = self._stream.read(wanted)
        if len(chunk) < wanted and not chunk:
            raise EOFError("it ends in the middle of an entry")
        self._left -= len(chunk)
        return chunk

    def readall(self) -> bytes:
        parts = []
        while self._left:
            parts.append(self.read(1 << 20))
        return b"".join(parts)
