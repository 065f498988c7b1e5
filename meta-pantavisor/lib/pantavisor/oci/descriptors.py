# SPDX-License-Identifier: MIT
"""The members of index, manifest and config: descriptors, digests, platforms, lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ..digest import Digest
from ..errors import FormatError, LimitError
from .platforms import MAX_LABEL_CHARS, UNKNOWN, Platform

# Labels of layers and configs are advice: bytes and digests decide.
# These are the ones that contradict no image.
_LAYER_FAMILIES = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.",
                   "application/vnd.docker.container.image.rootfs.")  # fmt: skip
BLANK_TYPES = frozenset(
    ["", "application/octet-stream", "application/json", "text/html", "text/plain", "binary/octet-stream",
     "application/gzip", "application/x-gzip", "application/zstd", "application/x-tar", "application/tar",
     "application/tar+gzip", "application/x-tgz"]
)  # fmt: skip

MAX_LAYER_BYTES = 64 * 1024**3


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
        """Whether it states itself that it is about an image (BuildKit's provenance) and not an image."""
        unknown = self.platform is not None and UNKNOWN in (self.platform.os, self.platform.architecture)
        return unknown or "vnd.docker.reference.type" in self.annotations


class NotAnImage(FormatError):
    """A sound manifest of something else: a chart, a signature, an SBOM."""


def list_of(document: Mapping[str, Any], name: str, limit: int) -> list[Any]:
    """A list of at most ``limit`` entries. Raises FormatError and LimitError."""
    value = document.get(name)
    if value is None and name in document:
        value = []  # Go writes an empty list as null
    if not isinstance(value, list):
        raise FormatError(f'"{name}" is missing or is not a list')
    if len(value) > limit:
        raise LimitError(f'"{name}" has {len(value)} entries, more than the {limit} allowed')
    return value


def artifact(what: str) -> NotAnImage:
    return NotAnImage(
        f"this is an artifact with {what}, not a container image",
        hint="name the image, not its chart, signature or attestation",
    )


def layer_of(value: Any, index: int) -> Descriptor:
    """A layer that can be read here. Raises FormatError, NotAnImage and LimitError."""
    layer = descriptor_of(value, f"layers[{index}]")
    if "foreign" in layer.media_type or "nondistributable" in layer.media_type:
        raise FormatError(
            f"layer {layer.digest} is foreign: its content may not be distributed "
            "and lies outside the registry",
            hint="use an image without such layers, which Windows base images have",
        )
    if layer.media_type.endswith("+encrypted"):
        raise FormatError(
            f"layer {layer.digest} is encrypted", hint="push the image decrypted to a private registry"
        )
    if not layer.media_type.startswith(_LAYER_FAMILIES) and layer.media_type not in BLANK_TYPES:
        raise artifact(f'a layer of unknown type "{layer.media_type[:100]}"')
    return layer


def entry_of(value: Any, where: str) -> Optional[Descriptor]:
    """An entry of an index; None for one that only other algorithms could verify.

    Raises FormatError and LimitError.
    """
    digest = value.get("digest") if isinstance(value, dict) else None
    if isinstance(digest, str) and re.fullmatch(r"[a-z0-9]+([+._-][a-z0-9]+)*:[A-Za-z0-9=_-]{32,}", digest):
        try:
            Digest.parse(digest)
        except FormatError:
            return None
    return descriptor_of(value, where)


def descriptor_of(value: Any, where: str) -> Descriptor:
    """Raises FormatError and LimitError."""
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
        digest_of(value.get("digest"), where),
        size,
        _label(value.get("platform"), where),
        {key: text or "" for key, text in annotations.items()},
    )


def digest_of(value: Any, where: str) -> Digest:
    """Raises FormatError."""
    if not isinstance(value, str):
        raise FormatError(f"{where} has no digest")
    return Digest.parse(value)


def _label(value: Any, where: str) -> Optional[Platform]:
    """The platform that an entry names; None where it leaves that to the config, as older tools do."""
    platform = None if value is None else platform_of(value, where)
    blank = platform is not None and not platform.is_complete and not value.get("architecture")
    return None if blank or (platform is not None and not value.get("os")) else platform


def platform_of(value: Any, where: str) -> Platform:
    """The platform that a document names, whole or in part. Raises FormatError."""
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
