# SPDX-License-Identifier: MIT
"""The opened image, and how it is put together from blobs that can be had by digest."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, Optional, Protocol

from .. import oci
from ..digest import Digest, VerifyingReader
from ..errors import FormatError, NotFound
from ..oci import Descriptor, ImageConfig, OciIndex, OciManifest, Platform

REF_NAME = "org.opencontainers.image.ref.name"
# containerd and docker put the whole reference here, and only the tag into REF_NAME.
CONTAINERD_NAME = "io.containerd.image.name"


@dataclass(frozen=True)
class LayerBlob:
    """One layer as stored. ``open()`` gives the packed stream, which raises DigestError if it is not
    ``digest``; its first bytes decide how it is packed, not ``media_type``. ``stored()`` gives the same
    without a look at it, where that can be had.
    """

    digest: Digest
    size: int
    media_type: str
    diff_id: Digest
    open: Callable[[], BinaryIO]
    stored: Optional[Callable[[], BinaryIO]] = None

    def open_unverified(self) -> BinaryIO:
        """For who holds what it unpacks to against ``diff_id``: that promises the content by itself."""
        return self.stored() if self.stored else self.open()


@dataclass(frozen=True)
class OciImage:
    """One image for one platform. Its layers can be opened while the layout is open."""

    manifest_digest: Digest
    manifest: OciManifest
    config: ImageConfig
    layers: tuple[LayerBlob, ...]
    names: tuple[str, ...] = ()  # what it is called where it lies: references, or only tags


class Blobs(Protocol):
    """Where blobs come from: a directory or a tar."""

    def open(self, digest: Digest) -> BinaryIO:
        """The unverified bytes. Raises NotFound."""

    def document(self, name: str) -> Optional[bytes]:
        """A small file of the layout itself, such as index.json."""


def open_layout(blobs: Blobs, platform: Optional[Platform], name: Optional[str], what: str) -> OciImage:
    """The image of an OCI layout. Raises FormatError, and NotFound for an image that it does not hold."""
    index_bytes = blobs.document("index.json")
    if index_bytes is None:
        raise FormatError(f"{what} has no index.json")
    index = _distinct(_named(OciIndex.parse(index_bytes), name, what))
    documents = _Documents(blobs)
    if name is None:
        _need_no_name(index, platform, documents, what)
    chosen = oci.choose(index.manifests, platform, documents)
    layers = tuple(
        layer_blob(partial(blobs.open, layer.digest), layer.digest, layer.size, layer.media_type, diff_id)
        for layer, diff_id in zip(chosen.manifest.layers, chosen.config.diff_ids)
    )
    own = [entry for entry in index.manifests if entry.digest == chosen.digest] or index.manifests[:1]
    words = {word: None for entry in own for word in reversed(_names(entry)[:-1])}  # whole references first
    return OciImage(chosen.digest, chosen.manifest, chosen.config, layers, tuple(words))


class _Documents:
    """The documents of a layout, for choosing."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def manifest(self, entry: Descriptor) -> tuple[bytes, Optional[str]]:
        return read_blob(self._blobs, entry, oci.MAX_MANIFEST_BYTES, "manifest"), entry.media_type

    def config(self, entry: Descriptor) -> bytes:
        return read_blob(self._blobs, entry, oci.MAX_CONFIG_BYTES, "image config")


def names_image(blobs: Blobs, name: str) -> bool:
    """Whether the index.json of an OCI layout knows an image by that name."""
    data = blobs.document("index.json")
    return data is not None and any(name in _names(entry) for entry in OciIndex.parse(data).manifests)


def read_blob(blobs: Blobs, descriptor: Descriptor, limit: int, what: str) -> bytes:
    """A blob of at most ``limit`` bytes, verified. Raises FormatError."""
    if descriptor.size > limit:
        raise FormatError(
            f"{what} {descriptor.digest} is {descriptor.size} bytes large, more than the {limit} allowed"
        )
    with VerifyingReader(
        blobs.open(descriptor.digest), descriptor.digest, descriptor.size, what=what
    ) as stream:
        return stream.read()


def layer_blob(
    stored: Callable[[], BinaryIO], digest: Digest, size: int, media_type: str, diff_id: Digest
) -> LayerBlob:
    """The layer whose bytes ``stored`` gives."""

    def open_layer() -> BinaryIO:
        return io.BufferedReader(VerifyingReader(stored(), digest, size, what="layer"), 256 * 1024)

    return LayerBlob(digest, size, media_type, diff_id, open_layer, stored)


def _distinct(index: OciIndex) -> OciIndex:
    # An image with several tags is entered once for each of them.
    entries = {(entry.digest, entry.platform): entry for entry in reversed(index.manifests)}
    return replace(index, manifests=tuple(reversed(list(entries.values()))))


def _need_no_name(index: OciIndex, platform: Optional[Platform], documents: _Documents, what: str) -> None:
    """Raise FormatError if the platform cannot decide between images of different names."""
    groups: dict[str, list[Descriptor]] = {}
    for entry in index.manifests:
        if len(_names(entry)) > 1:
            groups.setdefault(_names(entry)[-2], []).append(entry)
    if len(groups) < 2:
        return
    known = sorted(name for name, entries in groups.items() if _holds_image(entries, platform, documents))
    if len(known) > 1:
        raise FormatError(f"{what} holds {len(known)} images", hint=f"name one of: {', '.join(known)}")


def _holds_image(entries: list[Descriptor], platform: Optional[Platform], documents: _Documents) -> bool:
    try:
        oci.choose(entries, platform, documents)
    except (NotFound, FormatError) as error:
        # Without a platform several of them are several images all the same.
        return platform is None and isinstance(error, oci.PlatformError)
    return True


def _named(index: OciIndex, name: Optional[str], what: str) -> OciIndex:
    if name is None:
        return index
    entries = tuple(entry for entry in index.manifests if name in _names(entry))
    if not entries:
        known = sorted({word for entry in index.manifests for word in _names(entry)})
        raise NotFound(
            f'{what} holds no image "{name}"',
            hint=f"use one of: {', '.join(known)}" if known else "use it without a name",
        )
    return OciIndex(entries, index.media_type)


def _names(entry: Descriptor) -> list[str]:
    words = (entry.annotations.get(REF_NAME), entry.annotations.get(CONTAINERD_NAME), str(entry.digest))
    return [word for word in words if word]
