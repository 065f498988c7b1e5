# SPDX-License-Identifier: MIT
"""Lay one image down as an OCI image layout directory that appears only when it is complete."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from .. import atomic, oci
from ..digest import Digest
from ..errors import FormatError
from ..oci import Descriptor, OciManifest, Platform
from .image import REF_NAME

Place = Callable[[Descriptor, Path], None]


def write(
    path: Path,
    manifest: bytes,
    *,
    media_type: Optional[str] = None,
    platform: Platform,
    name: Optional[str],
    place: Place,
) -> Digest:
    """Make the layout ``path``, which must not exist, around ``manifest``, and return the manifest's
    digest.

    ``place(descriptor, target)`` puts the verified blob at ``target`` (a file, hard link or symbolic link);
    it is called once for each of config and layers. ``name`` becomes the reference name. After an error
    nothing is left.

    Raises FormatError.
    """
    if path.exists():
        raise FormatError(f"{path} already exists", hint="remove it, or name another directory")
    parsed = OciManifest.parse(manifest, media_type=media_type)
    digest = Digest.of(manifest)
    with atomic.new_directory(path) as folder:
        blobs = folder / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        (blobs / digest.hex).write_bytes(manifest)
        # A layer that occurs twice is one blob.
        for descriptor in {entry.digest: entry for entry in (parsed.config, *parsed.layers)}.values():
            target = folder / "blobs" / descriptor.digest.algorithm / descriptor.digest.hex
            target.parent.mkdir(exist_ok=True)
            place(descriptor, target)
        entry = Descriptor(
            parsed.media_type, digest, len(manifest), platform, {REF_NAME: name} if name else {}
        )
        (folder / "index.json").write_bytes(_index(entry))
        (folder / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
    return digest


def _index(entry: Descriptor) -> bytes:
    value: dict[str, Any] = {"mediaType": entry.media_type, "digest": str(entry.digest), "size": entry.size}
    if entry.annotations:
        value["annotations"] = dict(entry.annotations)
    if entry.platform is not None:
        words = {
            "os": entry.platform.os,
            "architecture": entry.platform.architecture,
            "variant": entry.platform.variant,
        }
        value["platform"] = {key: word for key, word in words.items() if word}
    document = {"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": [value]}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
