# SPDX-License-Identifier: MIT
"""Exports: what is read is written again as the same state.

The first byte of an input decides what the rest is: 0 a file, 1 a tar whose checksums are put right first,
2 the same packed.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile

from pantavisor import export
from pantavisor.errors import PantavisorError
from pantavisor.objects import ObjectPool
from pantavisor.state import State
from sim.layers import with_checksums

from .target import VECTORS, scratch

WORDS = (
    "json",
    "objects/",
    "ustar\x0000",
    "ustar  \x00",
    '{"#spec":"pantavisor-service-system@1"',
    "#spec",
    "00000000010",
)


def one_input(content: bytes) -> None:
    if not content:
        return
    kind, rest = content[0] % 3, content[1:]
    archive = with_checksums(rest) if kind else rest
    with scratch() as folder:
        path, pool = folder / "in.tar", ObjectPool(folder / "pool")
        path.write_bytes(gzip.compress(archive, 1, mtime=0) if kind == 2 else archive)
        try:
            state = export.read(path, pool)
        except PantavisorError:
            assert not pool.root.exists()
            return
        export.write(folder / "out.tar", state, pool)
        assert export.read(folder / "out.tar", ObjectPool(folder / "other")) == state


def seeds() -> dict[str, bytes]:
    found = {path.name: b"\0" + path.read_bytes() for path in sorted((VECTORS / "exports").iterdir())}
    data = b"content of an object"
    object_id = hashlib.sha256(data).hexdigest()
    state = State.empty().with_files(
        {"a/root": object_id, "a/run.json": {"name": "a", "root-volume": "root"}}
    )
    archive = _entry("json", state.dumps()) + _entry(f"objects/{object_id}", data) + bytes(1024)
    return {**found, "plain": b"\0" + archive, "right": b"\1" + archive, "packed": b"\2" + archive}


def _entry(name: str, data: bytes) -> bytes:
    header = tarfile.TarInfo(name)
    header.size = len(data)
    return header.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)
