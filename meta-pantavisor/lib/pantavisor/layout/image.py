"""The opened image, and how it is put together from blobs that can be had by digest."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, Optional, Protocol

from .. import oci
from ..digest import Digest, VerifyingReader
from ..errors import FormatError, NotFound
from ..oci import Descriptor, ImageConfig, OciIndex, OciManifest, Platform

# index.json -> image index -> manifest is what BuildKit writes; no tool nests deeper.
MAX_INDEX_DEPTH = 3
REF_NAME = "org.opencontainers.image.ref.name"
# containerd and docker put the whole reference here, and only the tag into REF_NAME.
CONTAINERD_NAME = "io.containerd.image.name"


@dataclass(frozen=True)
class LayerBlob:
    """One layer as stored. ``open()`` gives the compressed stream, which raises DigestError if it is not ``digest``."""

    digest: Digest
    size: int
    media_type: str
    diff_id: Digest
    open: Callable[[], BinaryIO]

    @property
    def compression(self) -> str:
        """none, gzip or zstd."""
        return oci.LAYER_COMPRESSION[self.media_type]


@dataclass(frozen=True)
class OciImage:
    """One image for one platform. Its layers can be opened while the layout is open."""

    manifest_digest: Digest
    manifest: OciManifest
    config: ImageConfig
    layers: tuple[LayerBlob, ...]


class Blobs(Protocol):
    """Where blobs come from: a directory or a tar."""

    def open(self, digest: Digest) -> BinaryIO:
        """The unverified bytes. Raises NotFound."""

    def document(self, name: str) -> Optional[bytes]:
        """A small file of the layout itself, such as index.json."""


def open_layout(blobs: Blobs, platform: Optional[Platform], name: Optional[str], what: str) -> OciImage:
    """The image of an OCI layout."""
    index_bytes = blobs.document("index.json")
    if index_bytes is None:
        raise FormatError(f"{what} has no index.json")
    index = _distinct(_named(OciIndex.parse(index_bytes), name, what))
    if name is None:
        _need_no_name(index, platform, what)
    entry = _choose(blobs, index, platform)
    manifest_bytes = read_blob(blobs, entry, oci.MAX_MANIFEST_BYTES, "manifest")
    manifest = OciManifest.parse(manifest_bytes, media_type=entry.media_type)
    config = ImageConfig.parse(read_blob(blobs, manifest.config, oci.MAX_CONFIG_BYTES, "image config"))
    config.check(manifest, platform)
    layers = tuple(
        LayerBlob(layer.digest, layer.size, layer.media_type, diff_id, _opener(blobs, layer))
        for layer, diff_id in zip(manifest.layers, config.diff_ids)
    )
    return OciImage(entry.digest, manifest, config, layers)


def names_image(blobs: Blobs, name: str) -> bool:
    """Whether the index.json of an OCI layout knows an image by that name."""
    data = blobs.document("index.json")
    return data is not None and any(name in _names(entry) for entry in OciIndex.parse(data).manifests)


def read_blob(blobs: Blobs, descriptor: Descriptor, limit: int, what: str) -> bytes:
    """A small blob, verified."""
    if descriptor.size > limit:
        raise FormatError(f"{what} {descriptor.digest} is {descriptor.size} bytes large, more than the {limit} allowed")
    with VerifyingReader(blobs.open(descriptor.digest), descriptor.digest, descriptor.size, what=what) as stream:
        return stream.read()


def _opener(blobs: Blobs, layer: Descriptor) -> Callable[[], BinaryIO]:
    def open_layer() -> BinaryIO:
        reader = VerifyingReader(blobs.open(layer.digest), layer.digest, layer.size, what="layer")
        return io.BufferedReader(reader, 256 * 1024)

    return open_layer


def _distinct(index: OciIndex) -> OciIndex:
    # An image with several tags is entered once for each of them.
    entries = {(entry.digest, entry.platform): entry for entry in reversed(index.manifests)}
    return replace(index, manifests=tuple(reversed(list(entries.values()))))


def _need_no_name(index: OciIndex, platform: Optional[Platform], what: str) -> None:
    """Raise FormatError if the platform cannot decide between images of different names."""
    fitting = [
        entry
        for entry in index.manifests
        if not entry.is_attestation
        and (entry.platform is None or platform is None or platform.matches(entry.platform))
    ]
    known = sorted({_names(entry)[-2] for entry in fitting if len(_names(entry)) > 1})
    if len(known) > 1:
        raise FormatError(f"{what} holds {len(fitting)} images", hint=f"name one of: {', '.join(known)}")


def _named(index: OciIndex, name: Optional[str], what: str) -> OciIndex:
    if name is None:
        return index
    entries = tuple(entry for entry in index.manifests if name in _names(entry))
    if not entries:
        known = sorted({word for entry in index.manifests for word in _names(entry)})
        raise NotFound(f'{what} holds no image "{name}"', hint=f"it holds {', '.join(known) or 'images without names'}")
    return OciIndex(entries, index.media_type)


def _names(entry: Descriptor) -> list[str]:
    words = (entry.annotations.get(REF_NAME), entry.annotations.get(CONTAINERD_NAME), str(entry.digest))
    return [word for word in words if word]


def _choose(blobs: Blobs, index: OciIndex, platform: Optional[Platform]) -> Descriptor:
    for _ in range(MAX_INDEX_DEPTH):
        nested = [entry for entry in index.manifests if entry.media_type in oci.INDEX_TYPES]
        if len(nested) == 1 and len(index.manifests) == 1:
            data = read_blob(blobs, nested[0], oci.MAX_MANIFEST_BYTES, "image index")
            index = OciIndex.parse(data, media_type=nested[0].media_type)
            continue
        return oci.select_platform(index, platform)
    raise FormatError(f"image indexes are nested more than {MAX_INDEX_DEPTH} deep")
