# SPDX-License-Identifier: MIT
"""Layers: the tar reader, the codecs and the merger.

The first byte of an input decides what the rest is: 0 a tar, packed or not; 1 a tar whose checksums are put
right first; 2 layers, each behind its length, that are laid over each other, their checksums put right too.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Iterator

from pantavisor import layers
from pantavisor.errors import PantavisorError
from pantavisor.layers import Limits, Tree
from pantavisor.layers.stream import Span
from pantavisor.oci import OCI_LAYER
from sim.layers import blob, member, tar, with_checksums

LIMITS = Limits(total_bytes=2**22, entries=2000, metadata_bytes=2**20, segments=500, header_bytes=2**16)
_LENGTH = struct.Struct("<H")


def one_input(content: bytes) -> None:
    """Read one input, contents included."""
    if not content:
        return
    kind, rest = content[0] % 3, content[1:]
    try:
        if kind == 2:
            parts = map(with_checksums, _parts(rest))
            tree: Tree = layers.LayeredTree([blob(part, media_type=OCI_LAYER) for part in parts], LIMITS)
        else:
            archive = with_checksums(rest) if kind == 1 else rest
            tree = layers.from_tar(lambda: io.BytesIO(archive), LIMITS)
        first = [(file, _digest(spans)) for file, spans in tree.contents()]
        again = {id(file): _digest(spans) for file, spans in tree.contents()}
        assert {id(file): file.size for file in tree.files()} == {
            key: size for key, (size, _) in again.items()
        }
        assert all(again.get(id(file), digest) == digest for file, digest in first)
    except PantavisorError:
        pass


def _digest(spans: Iterator[Span]) -> tuple[int, int]:
    """How many bytes, and their checksum."""
    size = checksum = 0
    for chunk, start, end in spans:
        size += end - start
        checksum = zlib.crc32(chunk[start:end], checksum)
    return size, checksum


def _parts(content: bytes) -> list[bytes]:
    parts = []
    while len(content) > _LENGTH.size and len(parts) < 4:
        end = _LENGTH.size + _LENGTH.unpack_from(content)[0]
        parts.append(content[_LENGTH.size : end])
        content = content[end:]
    return parts


def seeds() -> dict[str, bytes]:
    members = [
        member("d", "dir"),
        member("d/f", content=b"x" * 600, pax={"SCHILY.xattr.user.a": "1", "GNU.sparse.map": "0,600"}),
        member("l", "link", target="../d"),
        member("l/.wh.f"),
        member("h", "hard", target="d/f"),
        member("n" * 100, "chr", device=(1, 2)),
        member("d/.wh..wh..opq"),
    ]
    found = {}
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        archive = tar(members, form=form)
        found[f"tar{form}"] = b"\0" + archive
        found[f"right{form}"] = b"\1" + archive
        found[f"layers{form}"] = b"\2" + (_LENGTH.pack(len(archive)) + archive) * 2
    return found
