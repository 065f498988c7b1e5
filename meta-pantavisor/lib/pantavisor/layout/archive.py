# SPDX-License-Identifier: MIT
"""Images in a tar: oci-archive (an OCI layout) and docker-archive (``docker save``), plain or packed."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Optional

from .. import cjson, codecs, oci
from ..digest import CHUNK, Digest, VerifyingReader
from ..errors import FormatError, LimitError, NotFound
from ..oci import Descriptor, ImageConfig, OciIndex, OciManifest, Platform
from ..ref import Ref
from . import tarindex
from .directory import check_marker
from .image import LayerBlob, OciImage, layer_blob

MAX_ARCHIVE_BYTES = 64 * 1024**3  # uncompressed
MAX_IMAGES = 1024
_HEX_NAME = re.compile(r"(?:.*/)?([0-9a-f]{64})(?:\.json)?")
_SUFFIXES = {"gzip": "+gzip", "zstd": "+zstd"}  # OCI knows no others


class TarBlobs:
    """A tar that can be asked for members by name and for blobs by digest."""

    def __init__(self, stream: BinaryIO, what: str) -> None:
        self.what = what
        self._stream = stream
        self._members = tarindex.read(stream, what=what)

    def open(self, digest: Digest) -> BinaryIO:
        return self.member(f"blobs/{digest.algorithm}/{digest.hex}")

    def member(self, name: str) -> BinaryIO:
        """Raises NotFound."""
        found = tarindex.resolve(self._members, name)
        if found is None:
            raise NotFound(
                f"{self.what} has no member {name[:200]}", hint="save the archive again: it is incomplete"
            )
        return io.BufferedReader(tarindex.Section(self._stream, found), 256 * 1024)

    def size(self, name: str) -> int:
        found = tarindex.resolve(self._members, name)
        return found.size if found else 0

    def document(self, name: str) -> Optional[bytes]:
        """Raises LimitError."""
        if tarindex.resolve(self._members, name) is None:
            return None
        if self.size(name) > oci.MAX_CONFIG_BYTES:
            raise LimitError(
                f"{self.what}: {name[:200]} is larger than the {oci.MAX_CONFIG_BYTES} bytes allowed"
            )
        return self.member(name).read()

    @property
    def is_oci(self) -> bool:
        """Whether there is an index that lists something;
        next to manifest.json it may be empty, or not meant for readers.
        """
        marker = self.document("oci-layout")
        if marker is not None:
            check_marker(marker, self.what)
        index = self.document("index.json")
        if index is None:
            return False
        return (
            self.document("manifest.json") is None
            or (marker is not None and bool(OciIndex.parse(index).manifests))
        )  # fmt: skip


def seekable(stream: BinaryIO, *, what: str, scratch: Optional[Path]) -> BinaryIO:
    """``stream`` itself if it is a plain tar, or its unpacked copy in an unnamed file below ``scratch``.
    Raises LimitError.
    """
    magic = stream.read(codecs.MAGIC_BYTES)
    stream.seek(0)
    if codecs.detect(magic) == "none":
        return stream
    copy = tempfile.TemporaryFile(dir=scratch)
    try:
        _unpack(stream, copy, what)
    except BaseException:
        copy.close()
        raise
    stream.close()
    return copy


def open_docker(blobs: TarBlobs, platform: Optional[Platform], name: Optional[str]) -> OciImage:
    """The image of a docker-archive. A layer is known by its diff_id,
    and by the digest of its bytes if it is gzip.

    Raises FormatError, and NotFound for an image that it does not hold.
    """
    entry = _entry(blobs, name)
    config_bytes = _config(blobs, entry)
    config = ImageConfig.parse(config_bytes)
    names = entry.get("Layers") or []
    if (
        not isinstance(names, list)
        or len(names) > oci.MAX_LAYERS
        or not all(isinstance(word, str) for word in names)
    ):
        raise FormatError(f"{blobs.what}: Layers in manifest.json is not a list of names")
    if len(names) != len(config.diff_ids):
        raise FormatError(f"{blobs.what} has {len(names)} layers but diff_ids for {len(config.diff_ids)}")
    layers = tuple(_layer(blobs, word, diff_id) for word, diff_id in zip(names, config.diff_ids))
    manifest, digest = _manifest(config_bytes, layers)
    if platform is not None and not config.fits(platform):
        raise oci.no_match(platform, [str(config.platform)])
    return OciImage(digest, manifest, config.completed(platform), layers, tuple(_tags(entry)))


def _entry(blobs: TarBlobs, name: Optional[str]) -> dict[str, Any]:
    data = blobs.document("manifest.json")
    if data is None:
        raise FormatError(
            f"{blobs.what} holds neither an OCI layout nor the manifest.json of docker save",
            hint="give a tar of a root file system with --type rootfs",
        )
    entries = cjson.loads(data, what=f"{blobs.what}: manifest.json") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise FormatError(f"{blobs.what}: manifest.json is not a list of images")
    if len(entries) > MAX_IMAGES:
        raise LimitError(f"{blobs.what} has more than {MAX_IMAGES} images")
    if not entries:
        raise FormatError(f"{blobs.what} holds no image")
    found = [entry for entry in entries if name is None or name in _tags(entry)]
    if len(found) == 1:
        return dict(found[0])
    known = ", ".join(sorted({tag for entry in entries for tag in _tags(entry)}))
    if name is None:
        raise FormatError(f"{blobs.what} holds {len(entries)} images", hint=f"name one of: {known}")
    raise NotFound(f'{blobs.what} holds no image "{name}"', hint=f"use one of: {known}")


def _tags(entry: Any) -> list[str]:
    tags = entry.get("RepoTags") or []
    names = []
    for tag in tags if isinstance(tags, list) else []:
        try:
            names.append(str(Ref.parse(tag)))
        except (FormatError, TypeError, AttributeError):
            continue  # "<none>:<none>" names nothing
    return names


def _config(blobs: TarBlobs, entry: dict[str, Any]) -> bytes:
    name = entry.get("Config")
    data = blobs.document(name) if isinstance(name, str) else None
    if data is None:
        raise FormatError(f"{blobs.what}: manifest.json names a config that is missing")
    named = _HEX_NAME.fullmatch(str(name))
    if named:
        promised = Digest("sha256", named[1])
        VerifyingReader(io.BytesIO(data), promised, None, what="image config").finish()
    return data


def _layer(blobs: TarBlobs, name: str, diff_id: Digest) -> LayerBlob:
    with blobs.member(name) as stream:
        compression = codecs.detect(stream.read(codecs.MAGIC_BYTES))
    # Of a packed layer the archive promises only the content, so its own digest is taken here.
    digest = diff_id if compression == "none" else _digest_of(blobs.member(name))
    media_type = oci.OCI_LAYER + _SUFFIXES.get(compression, "")
    return layer_blob(partial(blobs.member, name), digest, blobs.size(name), media_type, diff_id)


def _manifest(config: bytes, layers: tuple[LayerBlob, ...]) -> tuple[OciManifest, Digest]:
    def entry(media_type: str, digest: Digest, size: int) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": str(digest), "size": size}

    document = {
        "schemaVersion": 2,
        "mediaType": oci.OCI_MANIFEST,
        "config": entry(oci.OCI_CONFIG, Digest.of(config), len(config)),
        "layers": [entry(layer.media_type, layer.digest, layer.size) for layer in layers],
    }
    data = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    descriptors = tuple(Descriptor(layer.media_type, layer.digest, layer.size) for layer in layers)
    config_descriptor = Descriptor(oci.OCI_CONFIG, Digest.of(config), len(config))
    return OciManifest(config_descriptor, descriptors, oci.OCI_MANIFEST), Digest.of(data)


def _digest_of(stream: BinaryIO) -> Digest:
    hasher = hashlib.sha256()
    with stream:
        while chunk := stream.read(CHUNK):
            hasher.update(chunk)
    return Digest("sha256", hasher.hexdigest())


def _unpack(stream: BinaryIO, copy: BinaryIO, what: str) -> None:
    written = 0
    for chunk in codecs.unpack(stream, what=what):
        written += len(chunk)
        if written > MAX_ARCHIVE_BYTES:
            raise LimitError(f"{what} unpacks to more than the {MAX_ARCHIVE_BYTES} bytes allowed")
        copy.write(chunk)
    copy.seek(0)
