# SPDX-License-Identifier: MIT
"""What is known of a layer from the last time that it was unpacked: its members, where their contents are,
and the SHA-256 of each piece of these. So an image of known layers needs no layer unpacked, as long as the
packed blocks of these pieces are at hand.

An entry of the cache belongs to a blob by its digest, to what it must unpack to, to the limits it was held
against, and to the code that read it. It is made once all of that was verified, and used once the blob was
verified again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional

from ..cache import Cache
from ..layout.image import LayerBlob
from .archive import Member
from .limits import MIB, Limits, Usage
from .tree import (
    DIGEST_BYTES,
    DeviceNode,
    Directory,
    Fifo,
    File,
    Metadata,
    Node,
    Pieces,
    Stored,
    Symlink,
)

# Of a layer that is kept: its entry is in memory as a whole, where a byte may take six.
MAX_MEMBERS = 200_000
MAX_METADATA_BYTES = 32 * MIB
_LENGTH = struct.Struct("<Q")
_LIBRARY = Path(__file__).resolve().parents[1]
_READERS = ("layers", "tar")  # the packages whose code decides what a layer is


class KnownLayer(NamedTuple):
    """Members in their order, what they cost, and the marks among them."""

    members: list[Member]
    usage: Usage
    marks: tuple[str, ...]

    @classmethod
    def of(cls, members: Sequence[Member], usage: Usage, marks: tuple[str, ...]) -> KnownLayer:
        """What was read, before it is merged with other layers: that gives directories other metadata."""
        return cls([_unmerged(member) for member in members], usage, marks)


class KnownLayers:
    """Layers in ``cache``, in pieces of ``piece_bytes``."""

    def __init__(self, cache: Cache, piece_bytes: int) -> None:
        self._cache = cache
        self._piece_bytes = piece_bytes

    def find(self, blob: LayerBlob, limits: Limits, source: int) -> Optional[KnownLayer]:
        """What is known of ``blob``, which is the source number ``source`` of a tree."""
        value = self._cache.get(self._key(blob, limits))
        try:
            return None if value is None else _decoded(value, self._piece_bytes, source)
        except Exception:  # whatever it holds: no build fails for its cache
            return None

    def keep(self, blob: LayerBlob, limits: Limits, layer: KnownLayer) -> None:
        """Keep what was found out."""
        is_small = layer.usage.metadata_bytes <= MAX_METADATA_BYTES
        if is_small and len(layer.members) <= MAX_MEMBERS:
            self._cache.put(self._key(blob, limits), _encoded(layer, self._piece_bytes))

    def count(self, layer: KnownLayer) -> int:
        """The files whose pieces are known."""
        return sum(bool(_digests(member.node, self._piece_bytes)) for member in layer.members)

    def _key(self, blob: LayerBlob, limits: Limits) -> bytes:
        parts = (_code_digest(), limits, self._piece_bytes, blob.digest, blob.size, blob.diff_id)
        return hashlib.sha256("\n".join(["layer", *map(str, parts)]).encode()).digest()


def _unmerged(member: Member) -> Member:
    node = member.node
    return member._replace(node=Directory(node.metadata)) if isinstance(node, Directory) else member


@functools.lru_cache(maxsize=1)
def _code_digest() -> str:
    """Of the code that reads layers: changed code may read another thing."""
    hasher = hashlib.sha256()
    for package in _READERS:
        for path in sorted((_LIBRARY / package).glob("*.py")):
            content = path.read_bytes()
            hasher.update(f"{path.name} {len(content)}\n".encode() + content)
    return hasher.hexdigest()


def _digests(node: Optional[Node], piece_bytes: int) -> bytes:
    pieces = node.pieces if isinstance(node, File) else None
    return pieces.digests if pieces is not None and pieces.size == piece_bytes else b""


def _encoded(layer: KnownLayer, piece_bytes: int) -> bytes:
    """Rows as JSON, in which bytes are Latin-1; heads and digests of files follow in the same order."""
    rows: list[list[Any]] = []
    rest: list[bytes] = []
    for path, node, link in layer.members:
        name = b"/".join(path).decode("latin-1")
        if node is None:
            rows.append([name, "link", b"/".join(link or ()).decode("latin-1")])
            continue
        digests = _digests(node, piece_bytes)
        mode, uid, gid, mtime, xattrs = node.metadata
        attributes = [part.decode("latin-1") for pair in xattrs for part in pair]
        rows.append([name, *_row(node, digests), mode, uid, gid, mtime, *attributes])
        if digests:
            assert isinstance(node, File) and isinstance(node.content, Stored)
            rest += [node.content.head, digests]
    text = json.dumps([layer.usage, layer.marks, rows], ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join([_LENGTH.pack(len(text)), text, *rest])


def _row(node: Node, digests: bytes) -> list[Any]:
    """What kind of node it is, and what only this kind has."""
    if isinstance(node, File):
        assert isinstance(node.content, Stored)
        head_bytes = len(node.content.head) if digests else None
        return ["file", [node.size, node.content.offset, node.content.segments, head_bytes]]
    if isinstance(node, Symlink):
        return ["symlink", node.target.decode("latin-1")]
    if isinstance(node, DeviceNode):
        return ["device", [node.is_block, node.major, node.minor]]
    return ["fifo" if isinstance(node, Fifo) else "directory", None]


def _decoded(value: bytes, piece_bytes: int, source: int) -> KnownLayer:
    (length,) = _LENGTH.unpack_from(value)
    usage, marks, rows = json.loads(value[_LENGTH.size : _LENGTH.size + length])
    rest = _Rest(value, _LENGTH.size + length, piece_bytes, source)
    return KnownLayer([_member(row, rest) for row in rows], Usage(*usage), tuple(marks))


class _Rest:
    """Heads and digests, which are read as the rows come that have them."""

    def __init__(self, value: bytes, place: int, piece_bytes: int, source: int) -> None:
        self._value, self._place = value, place
        self._piece_bytes = piece_bytes
        self._source = source

    def file(
        self, metadata: Metadata, size: int, offset: int, segments: Any, head_bytes: Optional[int]
    ) -> File:
        if segments is not None:
            segments = tuple((start, length) for start, length in segments)
        if head_bytes is None:
            return File(metadata, size, Stored(self._source, offset, segments))
        head = self._next(head_bytes)
        file = File(metadata, size, Stored(self._source, offset, segments, head))
        count = -(-size // self._piece_bytes)
        file.pieces = Pieces(self._piece_bytes, self._next(count * DIGEST_BYTES))
        return file

    def _next(self, size: int) -> bytes:
        self._place += size
        return self._value[self._place - size : self._place]


def _member(row: Sequence[Any], rest: _Rest) -> Member:
    name, kind, details, *more = row
    path = _path(name)
    if kind == "link":
        return Member(path, link=_path(details))
    mode, uid, gid, mtime, *attributes = more
    metadata = Metadata(mode, uid, gid, mtime, tuple(_pairs(attributes)) if attributes else ())
    if kind == "file":
        return Member(path, rest.file(metadata, *details))
    if kind == "symlink":
        return Member(path, Symlink(metadata, details.encode("latin-1")))
    if kind == "device":
        return Member(path, DeviceNode(metadata, *details))
    return Member(path, Fifo(metadata) if kind == "fifo" else Directory(metadata))


def _path(text: str) -> tuple[bytes, ...]:
    return tuple(text.encode("latin-1").split(b"/")) if text else ()


def _pairs(texts: Sequence[str]) -> Iterator[tuple[bytes, bytes]]:
    parts = [text.encode("latin-1") for text in texts]
    return zip(parts[::2], parts[1::2])
