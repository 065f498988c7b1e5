# SPDX-License-Identifier: MIT
"""What an OCI or Docker v2 image states about itself: index, manifest, config, and which of an index's
images is meant.

Both families of media types are read: OCI image-spec 1.1 (index, manifest, config) and Docker distribution
v2 (manifest list, schema 2). Schema 1, foreign (non-distributable) and encrypted layers, and artifacts that
are not an image are refused by name. Everything is checked for type, size and number; nothing is fetched or
opened here.

    documents     index, manifest and config
    descriptors   what their members are made of
    platforms     what an image is made for
    choice        which of several images is meant
"""

from __future__ import annotations

from .choice import Choice, choose
from .descriptors import MAX_LAYER_BYTES, Descriptor, NotAnImage
from .documents import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_ZSTD,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX_TYPES,
    MANIFEST_TYPES,
    MAX_CONFIG_BYTES,
    MAX_INDEX_ENTRIES,
    MAX_LAYERS,
    MAX_MANIFEST_BYTES,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
    ImageConfig,
    OciIndex,
    OciManifest,
    is_index,
)
from .platforms import Platform, PlatformError, machine, no_match

__all__ = [
    "Choice",
    "choose",
    "NotAnImage",
    "DOCKER_CONFIG",
    "DOCKER_LAYER",
    "DOCKER_LAYER_GZIP",
    "DOCKER_LAYER_ZSTD",
    "DOCKER_LIST",
    "DOCKER_MANIFEST",
    "INDEX_TYPES",
    "MANIFEST_TYPES",
    "MAX_CONFIG_BYTES",
    "MAX_INDEX_ENTRIES",
    "MAX_LAYERS",
    "MAX_LAYER_BYTES",
    "MAX_MANIFEST_BYTES",
    "OCI_CONFIG",
    "OCI_INDEX",
    "OCI_LAYER",
    "OCI_LAYER_GZIP",
    "OCI_LAYER_ZSTD",
    "OCI_MANIFEST",
    "Descriptor",
    "ImageConfig",
    "OciIndex",
    "OciManifest",
    "is_index",
    "Platform",
    "PlatformError",
    "machine",
    "no_match",
]
