# SPDX-License-Identifier: MIT
"""OCI layers made by hand: tars of odd members, blobs as a layout hands them out, and layouts that umoci
takes.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Optional

from pantavisor.digest import Digest
from pantavisor.layout.image import LayerBlob, layer_blob
from pantavisor.oci import OCI_LAYER, OCI_LAYER_GZIP

TYPES = {
    "file": tarfile.REGTYPE,
    "dir": tarfile.DIRTYPE,
    "link": tarfile.SYMTYPE,
    "hard": tarfile.LNKTYPE,
    "chr": tarfile.CHRTYPE,
    "blk": tarfile.BLKTYPE,
    "fifo": tarfile.FIFOTYPE,
}


def member(
    name: str,
    kind: str = "file",
    content: bytes = b"",
    *,
    target: str = "",
    mode: Optional[int] = None,
    owner: tuple[int, int] = (0, 0),
    mtime: int = 1_700_000_000,
    device: tuple[int, int] = (0, 0),
    pax: Optional[Mapping[str, str]] = None,
) -> tuple[tarfile.TarInfo, bytes]:
    """One member for tar(). ``name`` may hold surrogate escapes for bytes that are not UTF-8."""
    made = tarfile.TarInfo(name)
    made.type = TYPES[kind]
    made.size = len(content)
    made.linkname = target
    usual = 0o755 if kind == "dir" else 0o644
    made.mode = usual if mode is None else mode
    made.uid, made.gid = owner
    made.mtime = mtime
    made.devmajor, made.devminor = device
    made.pax_headers = dict(pax or {})
    return made, content


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    """An archive of ``members`` in one of tarfile's formats."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form, errors="surrogateescape") as archive:
        for made, content in members:
            archive.addfile(made, io.BytesIO(content))
    return stream.getvalue()


def with_checksums(archive: bytes) -> bytes:
    """``archive`` with a right checksum in every block that is not empty, so that mutations get past that
    check.
    """
    blocks = [bytearray(archive[at : at + 512]) for at in range(0, len(archive), 512)]
    for block in blocks:
        if len(block) == 512 and any(block):
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
    return b"".join(blocks)


def layer(*members: tuple[tarfile.TarInfo, bytes]) -> LayerBlob:
    """A gzip layer of ``members``."""
    return blob(tar(members))


def blob(archive: bytes, *, packed: Optional[bytes] = None, media_type: str = OCI_LAYER_GZIP) -> LayerBlob:
    """A layer as a layout hands it out. ``packed`` takes the place of gzip, and must fit ``media_type``."""
    if packed is None:
        packed = archive if media_type == OCI_LAYER else gzip.compress(archive, 1, mtime=0)
    digest = Digest.of(packed)

    return layer_blob(lambda: io.BytesIO(packed), digest, len(packed), media_type, Digest.of(archive))


def file_blob(path: Path, diff_id: Digest) -> LayerBlob:
    """A gzip layer that lies in a file."""
    with open(path, "rb") as stream:
        digest = Digest.of(stream.read())
    size = path.stat().st_size

    return layer_blob(lambda: open(path, "rb"), digest, size, OCI_LAYER_GZIP, diff_id)


def write_layout(folder: Path, layers: Iterable[LayerBlob], *, tag: str = "1") -> None:
    """An OCI layout with one image of ``layers``."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layers = list(layers)
    descriptors = []
    for entry in layers:
        with entry.open() as stream:
            (blobs / entry.digest.hex).write_bytes(stream.read())
        descriptors.append(_descriptor(entry.media_type, entry.digest, entry.size))
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [str(entry.diff_id) for entry in layers]},
    }
    base = "application/vnd.oci.image"
    place = _put(blobs, config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{base}.manifest.v1+json",
        "config": _descriptor(f"{base}.config.v1+json", *place),
        "layers": descriptors,
    }
    entry = _descriptor(f"{base}.manifest.v1+json", *_put(blobs, manifest))
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def _put(blobs: Path, value: Any) -> tuple[Digest, int]:
    content = json.dumps(value).encode()
    digest = Digest.of(content)
    (blobs / digest.hex).write_bytes(content)
    return digest, len(content)


def _descriptor(media_type: str, digest: Digest, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest), "size": size}
