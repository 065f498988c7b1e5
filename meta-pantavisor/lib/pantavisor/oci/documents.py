"""Index, manifest and config: parsed, checked for type, size and number, and the one image of an index chosen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from .. import cjson
from ..digest import Digest
from ..errors import FormatError, LimitError
from .platforms import MAX_LABEL_CHARS, Platform, PlatformError, no_match

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = OCI_LAYER + "+gzip"
OCI_LAYER_ZSTD = OCI_LAYER + "+zstd"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = DOCKER_LAYER + ".gzip"
DOCKER_LAYER_ZSTD = DOCKER_LAYER + ".zstd"

INDEX_TYPES = frozenset([OCI_INDEX, DOCKER_LIST])
MANIFEST_TYPES = frozenset([OCI_MANIFEST, DOCKER_MANIFEST])
CONFIG_TYPES = frozenset([OCI_CONFIG, DOCKER_CONFIG])
LAYER_COMPRESSION = {
    OCI_LAYER: "none",
    OCI_LAYER_GZIP: "gzip",
    OCI_LAYER_ZSTD: "zstd",
    DOCKER_LAYER: "none",
    DOCKER_LAYER_GZIP: "gzip",
    DOCKER_LAYER_ZSTD: "zstd",
}

MAX_MANIFEST_BYTES = 4 * 1024 * 1024  # the size registries themselves allow
MAX_CONFIG_BYTES = 8 * 1024 * 1024
MAX_LAYER_BYTES = 64 * 1024**3
MAX_LAYERS = 512  # docker builds stop at 127
MAX_INDEX_ENTRIES = 1024


@dataclass(frozen=True)
class Descriptor:
    """A named, sized, digested thing of an image."""

    media_type: str
    digest: Digest
    size: int
    platform: Optional[Platform] = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_attestation(self) -> bool:
        """Whether it is about an image (BuildKit provenance, SBOM) and not an image."""
        unknown = self.platform is not None and "unknown" in (self.platform.os, self.platform.architecture)
        return unknown or "vnd.docker.reference.type" in self.annotations


@dataclass(frozen=True)
class OciManifest:
    """One image: its config and its layers, lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str

    @classmethod
    def parse(cls, data: bytes, *, media_type: Optional[str] = None) -> OciManifest:
        """``media_type`` is what the registry or the descriptor promised, if known; the document must agree."""
        document = _load(data, "image manifest")
        found = classify(document, media_type)
        if found not in MANIFEST_TYPES:
            raise FormatError(f"an image manifest was expected, but this is {found}")
        config = _descriptor(document.get("config"), "config")
        if config.media_type not in CONFIG_TYPES:
            raise FormatError(
                f"this is an artifact with a config of type {config.media_type[:100]}, not a container image",
                hint="name the image, not its chart, signature or attestation",
            )
        if config.size > MAX_CONFIG_BYTES:
            raise LimitError(f"image config of {config.size} bytes is larger than the {MAX_CONFIG_BYTES} allowed")
        layers = tuple(_layer(value, index) for index, value in enumerate(_list(document, "layers", MAX_LAYERS)))
        return cls(config, layers, found)


@dataclass(frozen=True)
class OciIndex:
    """One image for several platforms, or the table of contents of an OCI layout."""

    manifests: tuple[Descriptor, ...]
    media_type: str = OCI_INDEX

    @classmethod
    def parse(cls, data: bytes, *, media_type: Optional[str] = None) -> OciIndex:
        document = _load(data, "image index")
        found = classify(document, media_type)
        if found not in INDEX_TYPES:
            raise FormatError(f"an image index was expected, but this is {found}")
        entries = _list(document, "manifests", MAX_INDEX_ENTRIES)
        return cls(tuple(_descriptor(value, f"manifests[{index}]") for index, value in enumerate(entries)), found)


@dataclass(frozen=True)
class ImageConfig:
    """What an image is made for and how it wants to be run.

    ``config`` is the document's "config" object word for word; ``diff_ids`` are the digests of the uncompressed layers.
    """

    platform: Platform
    config: Mapping[str, Any]
    diff_ids: tuple[Digest, ...]

    @classmethod
    def parse(cls, data: bytes) -> ImageConfig:
        document = cjson.load_object(data, what="image config", max_bytes=MAX_CONFIG_BYTES)
        rootfs = document.get("rootfs")
        if not isinstance(rootfs, dict) or rootfs.get("type") != "layers":
            raise FormatError('image config has no "rootfs" of type "layers"')
        platform = _platform({**document, "variant": document.get("variant") or None}, "image config")
        config = document.get("config")
        if config is not None and not isinstance(config, dict):
            raise FormatError('"config" in the image config is not an object')
        diff_ids = tuple(_digest(value, "diff_ids") for value in _list(rootfs, "diff_ids", MAX_LAYERS))
        return cls(platform, config or {}, diff_ids)

    def check(self, manifest: OciManifest, wanted: Optional[Platform]) -> None:
        """That the config fits its manifest and the platform; without variant (older docker) it fits any variant."""
        if len(self.diff_ids) != len(manifest.layers):
            raise FormatError(f"image has {len(manifest.layers)} layers but diff_ids for {len(self.diff_ids)}")
        if wanted is None:
            return
        mine = self.platform
        same = (mine.os, mine.architecture) == (wanted.os, wanted.architecture)
        if not same or (mine.variant is not None and not wanted.matches(mine)):
            raise no_match(wanted, [str(mine)])


def classify(document: Mapping[str, Any], promised: Optional[str] = None) -> str:
    """The media type of a manifest or index document. Raises FormatError for what is neither, or both."""
    stated = document.get("mediaType")
    if stated is not None and not isinstance(stated, str):
        raise FormatError(f"a manifest calls itself {str(stated)[:100]}, which is no media type")
    if "fsLayers" in document or "signatures" in document or document.get("schemaVersion") == 1:
        raise FormatError(
            "the image has a schema 1 manifest, a form abandoned for being unverifiable",
            hint="push the image again with a current docker, podman or skopeo",
        )
    if document.get("schemaVersion") != 2:
        raise FormatError("a manifest without schemaVersion 2 is not an image's")
    is_index = "manifests" in document
    # One document that reads as both could be pinned as one image and run as another (CVE-2021-41190).
    if is_index == ("layers" in document or "config" in document):
        raise FormatError("a manifest must have either manifests or config and layers")
    family = INDEX_TYPES if is_index else MANIFEST_TYPES
    known = INDEX_TYPES | MANIFEST_TYPES
    for claim in (stated, promised if promised in known else None):
        if claim is not None and claim not in family:
            raise FormatError(f"a manifest calls itself {str(claim)[:100]} but is not of that form")
    return stated or (promised if promised in family else None) or (OCI_INDEX if is_index else OCI_MANIFEST)


def is_index(data: bytes, media_type: Optional[str] = None) -> bool:
    """Whether a document from a registry is an index (True) or a manifest (False); anything else is a FormatError."""
    return classify(_load(data, "image manifest"), media_type) in INDEX_TYPES


def select_platform(index: OciIndex, wanted: Optional[Platform]) -> Descriptor:
    """The first image for ``wanted`` (None: the only image there is). Attestations are no images.

    Raises PlatformError that lists what is offered.
    """
    images = [entry for entry in index.manifests if not entry.is_attestation]
    if len(images) == 1 and (wanted is None or images[0].platform is None):
        return images[0]
    if wanted is None:
        raise PlatformError(
            f"the image is made for several platforms: {_offers(images)}", hint="name the platform wanted"
        )
    for entry in images:
        if entry.platform is not None and wanted.matches(entry.platform) and entry.media_type in MANIFEST_TYPES:
            return entry
    raise no_match(wanted, [_offers(images)])


def _offers(images: list[Descriptor]) -> str:
    names = sorted({str(entry.platform) if entry.platform else "an image without platform" for entry in images})
    return ", ".join(names) or "nothing"


def _load(data: bytes, what: str) -> dict[str, Any]:
    return cjson.load_object(data, what=what, max_bytes=MAX_MANIFEST_BYTES)


def _list(document: Mapping[str, Any], name: str, limit: int) -> list[Any]:
    value = document.get(name)
    if value is None and name in document:
        value = []  # Go writes an empty list as null
    if not isinstance(value, list):
        raise FormatError(f'"{name}" is missing or is not a list')
    if len(value) > limit:
        raise LimitError(f'"{name}" has {len(value)} entries, more than the {limit} allowed')
    return value


def _layer(value: Any, index: int) -> Descriptor:
    layer = _descriptor(value, f"layers[{index}]")
    if "foreign" in layer.media_type or "nondistributable" in layer.media_type or value.get("urls"):
        raise FormatError(
            f"layer {layer.digest} is foreign: its content may not be distributed and lies outside the registry",
            hint="Windows base images have such layers; use an image without them",
        )
    if layer.media_type.endswith("+encrypted"):
        raise FormatError(f"layer {layer.digest} is encrypted", hint="push the image decrypted to a private registry")
    if layer.media_type not in LAYER_COMPRESSION:
        raise FormatError(f'layer {layer.digest} is of unknown type "{layer.media_type[:100]}"')
    return layer


def _descriptor(value: Any, where: str) -> Descriptor:
    if not isinstance(value, dict) or not isinstance(value.get("mediaType"), str):
        raise FormatError(f"{where} is not a descriptor with mediaType, digest and size")
    size = value.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise FormatError(f"{where} has no size")
    if size > MAX_LAYER_BYTES:
        raise LimitError(f"{where} is {size} bytes large, more than the {MAX_LAYER_BYTES} allowed")
    annotations = value.get("annotations") or {}
    if not isinstance(annotations, dict) or not all(isinstance(text, str) for text in annotations.values()):
        raise FormatError(f"{where} has annotations that are not strings")
    platform = value.get("platform")
    return Descriptor(
        value["mediaType"],
        _digest(value.get("digest"), where),
        size,
        None if platform is None else _platform(platform, where),
        annotations,
    )


def _digest(value: Any, where: str) -> Digest:
    if not isinstance(value, str):
        raise FormatError(f"{where} has no digest")
    return Digest.parse(value)


def _platform(value: Any, where: str) -> Platform:
    words = [value.get(name) or None for name in ("os", "architecture", "variant")] if isinstance(value, dict) else []
    # An empty platform stands in indexes made by older tools; it then matches nothing.
    if not words or not all(word is None or (isinstance(word, str) and len(word) <= MAX_LABEL_CHARS) for word in words):
        raise FormatError(f"{where} has a platform that is not os, architecture and variant")
    if any(word is not None and not re.fullmatch(r"[\x21-\x2e\x30-\x7e]+", word) for word in words):
        raise FormatError(f"{where} has a platform with odd characters")
    return Platform(words[0] or "unknown", words[1] or "unknown", words[2])
