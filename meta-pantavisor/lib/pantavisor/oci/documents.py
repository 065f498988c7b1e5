# SPDX-License-Identifier: MIT
"""Index, manifest and config: parsed, and checked for type, size and number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from .. import cjson
from ..digest import Digest
from ..errors import FormatError, LimitError
from .platforms import MAX_LABEL_CHARS, UNKNOWN, Platform

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
# Labels of layers and configs are advice: bytes and digests decide.
# These are the ones that contradict no image.
_LAYER_FAMILIES = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.",
                   "application/vnd.docker.container.image.rootfs.")  # fmt: skip
_BLANK_TYPES = frozenset(
    ["", "application/octet-stream", "application/json", "text/html", "text/plain", "binary/octet-stream",
     "application/gzip", "application/x-gzip", "application/zstd", "application/x-tar", "application/tar",
     "application/tar+gzip", "application/x-tgz"]
)  # fmt: skip

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
    def is_companion(self) -> bool:
        """Whether it says itself that it is about an image (BuildKit's provenance) and not an image."""
        unknown = self.platform is not None and UNKNOWN in (self.platform.os, self.platform.architecture)
        return unknown or "vnd.docker.reference.type" in self.annotations


class NotAnImage(FormatError):
    """A sound manifest of something else: a chart, a signature, an SBOM."""


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
        config = _descriptor(document.get("config"), "config")
        if config.media_type not in CONFIG_TYPES | _BLANK_TYPES:
            raise _artifact(f"a config of type {config.media_type[:100]}")
        if config.size > MAX_CONFIG_BYTES:
            raise LimitError(
                f"image config of {config.size} bytes is larger than the {MAX_CONFIG_BYTES} allowed"
            )
        layers = tuple(
            _layer(value, index) for index, value in enumerate(_list(document, "layers", MAX_LAYERS))
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
        entries = _list(document, "manifests", MAX_INDEX_ENTRIES)
        found_entries = (_entry(value, f"manifests[{index}]") for index, value in enumerate(entries))
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
        platform = _platform(document, "image config")
        config = document.get("config")
        if config is not None and not isinstance(config, dict):
            raise FormatError('"config" in the image config is not an object')
        diff_ids = tuple(_digest(value, "diff_ids") for value in _list(rootfs, "diff_ids", MAX_LAYERS))
        return cls(platform, config or {}, diff_ids)

    @classmethod
    def of(cls, manifest: OciManifest, data: bytes) -> ImageConfig:
        """The config of ``manifest``. Under a type that says nothing, what cannot be read is NotAnImage."""
        try:
            return cls.parse(data)
        except FormatError as error:
            if manifest.config.media_type in CONFIG_TYPES:
                raise
            raise _artifact(f"a config that is not an image's: {error.message}") from error

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

    Its members decide. What it calls itself, and the version that it says, are held against them only
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


def _list(document: Mapping[str, Any], name: str, limit: int) -> list[Any]:
    value = document.get(name)
    if value is None and name in document:
        value = []  # Go writes an empty list as null
    if not isinstance(value, list):
        raise FormatError(f'"{name}" is missing or is not a list')
    if len(value) > limit:
        raise LimitError(f'"{name}" has {len(value)} entries, more than the {limit} allowed')
    return value


def _artifact(what: str) -> NotAnImage:
    return NotAnImage(
        f"this is an artifact with {what}, not a container image",
        hint="name the image, not its chart, signature or attestation",
    )


def _layer(value: Any, index: int) -> Descriptor:
    layer = _descriptor(value, f"layers[{index}]")
    if "foreign" in layer.media_type or "nondistributable" in layer.media_type:
        raise FormatError(
            f"layer {layer.digest} is foreign: its content may not be distributed "
            "and lies outside the registry",
            hint="Windows base images have such layers; use an image without them",
        )
    if layer.media_type.endswith("+encrypted"):
        raise FormatError(
            f"layer {layer.digest} is encrypted", hint="push the image decrypted to a private registry"
        )
    if not layer.media_type.startswith(_LAYER_FAMILIES) and layer.media_type not in _BLANK_TYPES:
        raise _artifact(f'a layer of unknown type "{layer.media_type[:100]}"')
    return layer


def _entry(value: Any, where: str) -> Optional[Descriptor]:
    """An entry of an index; None for one that only other algorithms could verify."""
    digest = value.get("digest") if isinstance(value, dict) else None
    if isinstance(digest, str) and re.fullmatch(r"[a-z0-9]+([+._-][a-z0-9]+)*:[A-Za-z0-9=_-]{32,}", digest):
        try:
            Digest.parse(digest)
        except FormatError:
            return None
    return _descriptor(value, where)


def _descriptor(value: Any, where: str) -> Descriptor:
    media_type = value.get("mediaType") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(media_type or "", str):
        raise FormatError(f"{where} is not a descriptor with mediaType, digest and size")
    size = value.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise FormatError(f"{where} has no size")
    if size > MAX_LAYER_BYTES:
        raise LimitError(f"{where} is {size} bytes large, more than the {MAX_LAYER_BYTES} allowed")
    annotations = value.get("annotations") or {}
    if not isinstance(annotations, dict) or not all(
        isinstance(text or "", str) for text in annotations.values()
    ):
        raise FormatError(f"{where} has annotations that are not strings")
    return Descriptor(
        (media_type or "").partition(";")[0].strip().lower(),
        _digest(value.get("digest"), where),
        size,
        _label(value.get("platform"), where),
        {key: text or "" for key, text in annotations.items()},
    )


def _digest(value: Any, where: str) -> Digest:
    if not isinstance(value, str):
        raise FormatError(f"{where} has no digest")
    return Digest.parse(value)


def _label(value: Any, where: str) -> Optional[Platform]:
    """The platform that an entry names; None where it leaves that to the config, as older tools do."""
    platform = None if value is None else _platform(value, where)
    blank = platform is not None and not platform.is_complete and not value.get("architecture")
    return None if blank or (platform is not None and not value.get("os")) else platform


def _platform(value: Any, where: str) -> Platform:
    words = (
        [value.get(name) or "" for name in ("os", "architecture", "variant")]
        if isinstance(value, dict)
        else []
    )
    if not words or not all(isinstance(word, str) and len(word) <= MAX_LABEL_CHARS for word in words):
        raise FormatError(f"{where} has a platform that is not os, architecture and variant")
    if any(not re.fullmatch(r"[\x21-\x2e\x30-\x7e]*", word) for word in words):
        raise FormatError(f"{where} has a platform with odd characters")
    # Without a platform docker takes the machine's own; the image's programs show whether that is true.
    return Platform.of(words[0] or "linux", words[1] or UNKNOWN, words[2])
