# SPDX-License-Identifier: MIT
"""Small images made by hand, in the forms that registries, layouts and docker save know."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
TYPES = {
    "oci": (
        f"{OCI}manifest.v1+json",
        f"{OCI}config.v1+json",
        f"{OCI}layer.v1.tar+gzip",
        f"{OCI}index.v1+json",
    ),
    "docker": (
        f"{DOCKER}distribution.manifest.v2+json",
        f"{DOCKER}container.image.v1+json",
        f"{DOCKER}image.rootfs.diff.tar.gzip",
        f"{DOCKER}distribution.manifest.list.v2+json",
    ),
}


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def dump(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def tar(files: dict[str, bytes], *, mode: int = 0o755) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), mode
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


@dataclass
class Made:
    """An image: its manifest, its blobs (config and layers) by digest, and what it is made for."""

    manifest: bytes
    media_type: str
    blobs: dict[str, bytes]
    os: str
    architecture: str
    variant: Optional[str]
    config: bytes
    tars: list[bytes]
    layers: list[bytes] = field(default_factory=list)

    @property
    def digest(self) -> str:
        return sha(self.manifest)

    @property
    def descriptor(self) -> dict[str, Any]:
        platform = {"os": self.os, "architecture": self.architecture}
        if self.variant:
            platform["variant"] = self.variant
        return {
            "mediaType": self.media_type, "digest": self.digest, "size": len(self.manifest),
            "platform": platform,
        }  # fmt: skip


def image(
    *contents: dict[str, bytes],
    platform: str = "linux/amd64",
    form: str = "oci",
    config: Optional[dict] = None,
    mode: int = 0o755,
) -> Made:
    """An image with one gzip layer for each dict of files, all of the same ``mode``."""
    manifest_type, config_type, layer_type, _ = TYPES[form]
    os, architecture, variant = (*platform.split("/"), None)[:3]
    tars = [tar(files, mode=mode) for files in contents or ({"etc/hostname": b"box\n"},)]
    layers = [gzip.compress(data, mtime=0) for data in tars]
    document: dict[str, Any] = {
        "os": os, "architecture": architecture,
        "config": {"Cmd": ["/bin/sh"]} if config is None else config,
        "rootfs": {"type": "layers", "diff_ids": [sha(data) for data in tars]},
    }  # fmt: skip
    if variant:
        document["variant"] = variant
    config_bytes = dump(document)
    manifest = {
        "schemaVersion": 2, "mediaType": manifest_type,
        "config": {"mediaType": config_type, "digest": sha(config_bytes), "size": len(config_bytes)},
        "layers": [{"mediaType": layer_type, "digest": sha(data), "size": len(data)} for data in layers],
    }  # fmt: skip
    blobs = {sha(data): data for data in [config_bytes, *layers]}
    return Made(dump(manifest), manifest_type, blobs, os, architecture, variant, config_bytes, tars, layers)


def index(*images: Made, form: str = "oci", extra: tuple[dict[str, Any], ...] = ()) -> bytes:
    entries = [made.descriptor for made in images] + list(extra)
    return dump({"schemaVersion": 2, "mediaType": TYPES[form][3], "manifests": entries})


def attestation() -> dict[str, Any]:
    return {
        "mediaType": TYPES["oci"][0], "digest": sha(b"attestation"), "size": 11,
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }  # fmt: skip


def layout_files(*images: Made, names: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The files of an OCI layout with these images."""
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    entries = []
    for number, made in enumerate(images):
        entry = dict(made.descriptor)
        if names:
            entry["annotations"] = {"org.opencontainers.image.ref.name": names[number]}
        entries.append(entry)
        for data in [made.manifest, *made.blobs.values()]:
            files[f"blobs/{sha(data).replace(':', '/')}"] = data
    files["index.json"] = dump({"schemaVersion": 2, "manifests": entries})
    return files


def docker_files(*images: Made, tags: tuple[str, ...] = ()) -> dict[str, bytes]:
    """The files of a docker save archive, as docker before version 25 writes them."""
    files, entries = {}, []
    for number, made in enumerate(images):
        config = f"{sha(made.config)[7:]}.json"
        files[config] = made.config
        names = [f"{sha(data)[7:]}/layer.tar" for data in made.tars]
        files.update(zip(names, made.tars))
        entries.append({"Config": config, "RepoTags": [tags[number]] if tags else None, "Layers": names})
    files["manifest.json"] = dump(entries)
    return files


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root
