# SPDX-License-Identifier: MIT
"""The pvrexport: a tar with ``json`` first and then ``objects/<sha256>``, gzipped when its name ends so.

Plain ustar with exact names, no directories and no extended headers: the device's reader knows nothing
else. Sorted, each object once, fixed times: the same state gives the same bytes.

Source: docs/formats/pvrexport.md.
"""

from __future__ import annotations

import functools
import io
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Optional, cast

from . import atomic, codecs
from .digest import OBJECT_ID
from .errors import DigestError, FormatError, LimitError, NotFound
from .gzipped import GzipWriter, is_worth_deflating
from .objects import ObjectPool
from .state import MAX_BYTES, State
from .tar import form

Put = Callable[[bytes], object]
Store = Callable[[BinaryIO, int], object]  # so many bytes of a stream; raises EOFError where it has fewer
MAX_OBJECT_BYTES = 8 * 1024**3 - 1  # eleven octal digits
SIZE = re.compile(rb"[0-7]{1,11}[ \0]*|[0-7]{12}")
SIZE_SPAN = (124, 136)  # in a header
HINT = "to make an export, run: pvr export FILE.tgz"
MAX_TOTAL_BYTES = 64 * 1024**3
MAX_PASSED_OVER = 1024


def write(path: Path, state: State, pool: ObjectPool) -> None:
    """Write the export of ``state``, whose objects must be in ``pool``; each is verified on its way.
    Raises DigestError and LimitError.
    """
    with atomic.replacing(path) as raw:
        if not path.name.lower().endswith((".gz", ".tgz")):
            _write(raw.write, None, state, pool)
            return
        packed = GzipWriter(raw)
        _write(packed.write, packed.store, state, pool)
        packed.close()


def _write(write: Put, store: Optional[Store], state: State, pool: ObjectPool) -> None:
    """The tar; ``store``, if there is a difference, takes what is packed already."""
    copy = functools.partial(_copy, write)
    _add(write, copy, "json", io.BytesIO(state.dumps()), len(state.dumps()))
    for object_id in sorted(state.object_ids()):
        with pool.open_verified(object_id) as content:
            put = copy if store is None or is_worth_deflating(pool.path(object_id)) else store
            _add(write, put, f"objects/{object_id}", content, pool.size(object_id))
    write(bytes(2 * tarfile.BLOCKSIZE))


def read(path: Path, pool: ObjectPool) -> State:
    """Put the objects into ``pool``, each verified; return the state. Raises FormatError for anything that
    is not an export, NotFound where there is none.

    The pool gets all objects or none. At most what the state names is unpacked, so a bomb stays small.
    """
    with _opened(path) as stream, pool.staging() as staged:
        return _read(stream, staged, pool, str(path))


def read_state(path: Path) -> State:
    """Only the state; its objects are not looked at. Raises FormatError and NotFound, as
    ``read``."""
    with _opened(path) as stream:
        return _read_state(stream, str(path))


def _add(write: Put, put: Store, name: str, source: BinaryIO, size: int) -> None:
    """An entry, its content by ``put``. Raises DigestError."""
    if size > MAX_OBJECT_BYTES:
        raise LimitError(f"{name} is {size} bytes long; an export holds objects up to {MAX_OBJECT_BYTES}")
    header = tarfile.TarInfo(name)
    header.size, header.mode, header.mtime = size, 0o644, 0
    write(header.tobuf(tarfile.USTAR_FORMAT))
    try:
        put(source, size)
    except EOFError:
        raise DigestError(f"{name} became shorter while it was read") from None
    write(bytes(-size % tarfile.BLOCKSIZE))


def _copy(write: Put, source: BinaryIO, size: int) -> None:
    left = size
    while left:
        chunk = source.read(min(left, 1 << 20))
        if not chunk:
            raise EOFError
        write(chunk)
        left -= len(chunk)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if not path.is_file():
        raise NotFound(f"{path} does not exist or is not a file", hint=HINT)
    try:
        with open(path, "rb") as raw:
            compression = codecs.detect(raw.read(codecs.MAGIC_BYTES))
            raw.seek(0)
            yield cast(BinaryIO, _Unpacked(raw, str(path))) if compression != "none" else raw
    except (EOFError, UnicodeDecodeError, tarfile.TarError) as error:
        raise FormatError(f"{path} is damaged, or not an export: {error}") from error


def _read(stream: BinaryIO, staged: ObjectPool, pool: ObjectPool, what: str) -> State:
    state = _read_state(stream, what)
    # The published tool repeats an object that two paths share; it never holds one that no path names.
    allowed = Counter(state.objects().values())
    total = 0
    while (entry := _next(stream, what)) is not None:
        object_id = _object_id(entry, what)
        allowed[object_id] -= 1
        total += entry.size
        if allowed[object_id] < 0:
            raise FormatError(f"{what} holds the object {object_id} more often than its state names it")
        if total > MAX_TOTAL_BYTES:
            raise LimitError(f"{what} holds more than {MAX_TOTAL_BYTES} bytes")
        staged.put_stream(cast(BinaryIO, _Member(stream, entry.size)), expected=object_id)
        _skip_padding(stream, entry.size)
    missing = sorted(
        object_id for object_id in state.object_ids() if object_id not in staged and object_id not in pool
    )
    if missing:
        raise FormatError(f"{what} lacks {len(missing)} of its objects, the first is {missing[0]}")
    return state


def _read_state(stream: BinaryIO, what: str) -> State:
    head = _next(stream, what)
    if head is None or head.name != "json" or head.size > MAX_BYTES:
        raise FormatError(
            f'{what} does not begin with an entry "json" of at most {MAX_BYTES} bytes', hint=HINT
        )
    state = State.parse(_Member(stream, head.size).readall(), what=f"{what}: json")
    _skip_padding(stream, head.size)
    return state


def _next(stream: BinaryIO, what: str) -> Optional[tarfile.TarInfo]:
    """The next file, or None at the end."""
    for _ in range(MAX_PASSED_OVER):
        block = stream.read(tarfile.BLOCKSIZE)
        if not block or block == bytes(tarfile.BLOCKSIZE):
            return None
        if block[257:262] != form.ANY:
            raise FormatError(f"{what} is not a ustar archive", hint=HINT)
        if not SIZE.fullmatch(block, *SIZE_SPAN):
            raise FormatError(
                f"{what} has an entry whose size is not in octal digits, which devices do not read"
            )
        entry = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        entry.name = entry.name.removeprefix("./")
        if entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            return entry
        if entry.type not in form.PASSED_OVER:
            raise FormatError(f"{what} holds {entry.name[:120]!r}, which is not a regular file")
        content = stream.read(min(entry.size, form.MAX_EXTENDED_BYTES))
        form.check_extended(entry.type, entry.size, content, what)
        _skip_padding(stream, entry.size)
    raise LimitError(f"{what} holds more than {MAX_PASSED_OVER} directories and headers between two files")


def _object_id(entry: tarfile.TarInfo, what: str) -> str:
    folder, _, object_id = entry.name.partition("/")
    if folder != "objects" or not OBJECT_ID.fullmatch(object_id):
        raise FormatError(f"{what} holds {entry.name[:120]!r}, which is neither json nor an object")
    return object_id


def _skip_padding(stream: BinaryIO, size: int) -> None:
    if len(stream.read(-size % tarfile.BLOCKSIZE)) < -size % tarfile.BLOCKSIZE:
        raise EOFError("it ends in the middle of an entry")


class _Unpacked(io.BufferedIOBase):
    """What is packed in ``raw``, read once from its start; never more is unpacked than was asked for, and
    one chunk.
    """

    def __init__(self, raw: BinaryIO, what: str) -> None:
        self._chunks = codecs.unpack(raw, what=what)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: Optional[int] = -1, /) -> bytes:
        assert size is not None and size >= 0
        parts = []
        while size:
            self._rest = self._rest or next(self._chunks, b"")
            if not self._rest:
                break
            parts.append(self._rest[:size])
            self._rest = self._rest[size:]
            size -= len(parts[-1])
        return b"".join(parts)


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
