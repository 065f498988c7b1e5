# SPDX-License-Identifier: MIT
"""Index, manifest and config: parsed, and checked for type, size and number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from .. import cjson
from ..digest import Digest
from ..errors import FormatError, LimitError
from .descriptors import (
    BLANK_TYPES,
    Descriptor,
    artifact,
    descriptor_of,
    digest_of,
    entry_of,
    layer_of,
    list_of,
    platform_of,
)
from .platforms import Platform

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
MAX_MANIFEST_BYTES = 4 * 1024 * 1024  # the size registries themselves allow
MAX_CONFIG_BYTES = 8 * 1024 * 1024
MAX_LAYERS = 512  # docker builds stop at 127
MAX_INDEX_ENTRIES = 1024


@dataclass(frozen=True)
class OciManifest:
    """One image: its config and its layers, lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str

    @classmethod
    def parse(cls, data: bytes, *, media_type: Optional[str] = None) -> OciManifest:
        """``media_type`` is what the registry or the descriptor promised, if known;
        the document must agree.

        Raises FormatError and LimitError.
        """
        document = _load(data, "image manifest")
        found = classify(document, media_type)
        if found not in MANIFEST_TYPES:
            raise FormatError(f"an image manifest was expected, but this is {found}")
        config = descriptor_of(document.get("config"), "config")
        if config.media_type not in CONFIG_TYPES | BLANK_TYPES:
            raise artifact(f"a config of type {config.media_type[:100]}")
        if config.size > MAX_CONFIG_BYTES:
            raise LimitError(
                f"image config of {config.size} bytes is larger than the {MAX_CONFIG_BYTES} allowed"
            )
        layers = tuple(
            layer_of(value, index) for index, value in enumerate(list_of(document, "layers", MAX_LAYERS))
        )
        return cls(config, layers, found)


@dataclass(frozen=True)
class OciIndex:
    """One image for several platforms, or the table of contents of an OCI layout."""

    manifests: tuple[Descriptor, ...]
    media_type: str = OCI_INDEX

    @classmethod
    def parse(cls, data: bytes, *, media_type: Optional[str] = None) -> OciIndex:
        """Raises FormatError."""
        document = _load(data, "image index")
        found = classify(document, media_type)
        if found not in INDEX_TYPES:
            raise FormatError(f"an image index was expected, but this is {found}")
        entries = list_of(document, "manifests", MAX_INDEX_ENTRIES)
        found_entries = (entry_of(value, f"manifests[{index}]") for index, value in enumerate(entries))
        return cls(tuple(entry for entry in found_entries if entry is not None), found)


@dataclass(frozen=True)
class ImageConfig:
    """What an image is made for and how it wants to be run.

    ``config`` is the document's "config" object word for word;
    ``diff_ids`` are the digests of the uncompressed layers.
    """

    platform: Platform
    config: Mapping[str, Any]
    diff_ids: tuple[Digest, ...]

    @classmethod
    def parse(cls, data: bytes) -> ImageConfig:
        """Raises FormatError."""
        document = cjson.load_object(data, what="image config", max_bytes=MAX_CONFIG_BYTES)
        rootfs = document.get("rootfs")
        if not isinstance(rootfs, dict) or (rootfs.get("type") or "layers") != "layers":
            raise FormatError('image config has no "rootfs" of type "layers"')
        platform = platform_of(document, "image config")
        config = document.get("config")
        if config is not None and not isinstance(config, dict):
            raise FormatError('"config" in the image config is not an object')
        diff_ids = tuple(digest_of(value, "diff_ids") for value in list_of(rootfs, "diff_ids", MAX_LAYERS))
        return cls(platform, config or {}, diff_ids)

    @classmethod
    def of(cls, manifest: OciManifest, data: bytes) -> ImageConfig:
        """The config of ``manifest``. Under a type without meaning, what cannot be read is NotAnImage."""
        try:
            return cls.parse(data)
        except FormatError as error:
            if manifest.config.media_type in CONFIG_TYPES:
                raise
            raise artifact(f"a config that is not an image's: {error.message}") from error

    def check(self, manifest: OciManifest) -> None:
        """That the config fits its manifest. Raises FormatError."""
        if len(self.diff_ids) != len(manifest.layers):
            raise FormatError(
                f"image has {len(manifest.layers)} layers but diff_ids for {len(self.diff_ids)}"
            )

    def fits(self, wanted: Platform) -> bool:
        """Whether it may run there: without variant (older docker) on any,
        and without architecture its programs decide.
        """
        mine = self.platform
        if mine.os != wanted.os or not mine.is_complete:
            return mine.os == wanted.os
        return mine.architecture == wanted.architecture and (mine.variant is None or wanted.matches(mine))

    def completed(self, platform: Optional[Platform]) -> ImageConfig:
        """With ``platform`` where the config names no architecture of the same system."""
        if platform is None or self.platform.is_complete or self.platform.os != platform.os:
            return self
        return replace(self, platform=platform)


def classify(document: Mapping[str, Any], promised: Optional[str] = None) -> str:
    """The media type of a manifest or index document. Raises FormatError for what is neither, or both.

    Its members decide. What it calls itself, and the version that it states, are held against them only
    where they are known words: other tools leave them out, or empty, or write words of their own.
    """
    stated = document.get("mediaType")
    if stated is not None and not isinstance(stated, str):
        raise FormatError(f"a manifest calls itself {str(stated)[:100]}, which is not a media type")
    is_index = document.get("manifests") is not None
    is_image = "layers" in document or "config" in document
    if not is_image and not is_index and (document.get("fsLayers") or document.get("schemaVersion") == 1):
        raise FormatError(
            "the image has a schema 1 manifest, a form abandoned for being unverifiable",
            hint="push the image again with a current docker, podman or skopeo",
        )
    # One document that reads as both could be pinned as one image and run as another (CVE-2021-41190).
    if is_index == is_image or document.get("fsLayers"):
        raise FormatError("a manifest must have either manifests or config and layers")
    family = INDEX_TYPES if is_index else MANIFEST_TYPES
    claims = [claim for claim in (stated, promised) if claim in INDEX_TYPES | MANIFEST_TYPES]
    for claim in claims:
        if claim not in family:
            raise FormatError(f"a manifest calls itself {claim} but is not of that form")
    if claims:
        return claims[0]
    return OCI_INDEX if is_index else OCI_MANIFEST


def is_index(data: bytes, media_type: Optional[str] = None) -> bool:
    """Whether a document from a registry is an index (True) or a manifest (False);
    anything else is a FormatError.
    """
    return classify(_load(data, "image manifest"), media_type) in INDEX_TYPES


def _load(data: bytes, what: str) -> dict[str, Any]:
    return cjson.load_object(data, what=what, max_bytes=MAX_MANIFEST_BYTES)
