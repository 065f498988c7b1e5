# SPDX-License-Identifier: MIT
"""Container images: documents as a registry or an archive gives them, and archives.

The first byte of an input says what the rest is: 0 an image manifest or index, 1 an image's config, 2
manifest.json of docker save, 3 index.json of an OCI layout, both in an else good archive, 4 an archive
whose checksums are put right, 5 a user and the image's /etc/passwd.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pantavisor import cjson, layout, manifests, oci
from pantavisor.digest import Digest
from pantavisor.errors import PantavisorError
from pantavisor.oci import Descriptor, ImageConfig, Platform
from sim.layers import member, tar, with_checksums

from .target import scratch

JSON = True
WORDS = (
    "mediaType", "schemaVersion", "manifests", "layers", "config", "digest", "size", "platform",
    "annotations", "sha256:", "RepoTags", "Layers", "Config", "rootfs", "diff_ids", "os", "architecture",
    "variant", "manifest.json", "oci-layout", "index.json", "blobs/sha256/", "application/vnd.oci.image.",
    "application/vnd.docker.", "org.opencontainers.image.ref.name",
)  # fmt: skip
ARM64 = Platform("linux", "arm64", None)
LAYER = tar([member("f", content=b"hello")])
PROCESS = {
    "Entrypoint": ["/bin/a"],
    "Cmd": ["b"],
    "Env": ["A=b"],
    "WorkingDir": "/",
    "User": "1:2",
    "Volumes": {"/v": {}},
}
CONFIG: dict[str, Any] = {
    "architecture": "arm64", "os": "linux", "variant": "v8", "config": PROCESS,
    "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(LAYER))]},
}  # fmt: skip


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": str(Digest.of(data)), "size": len(data)}


def _blob(data: bytes) -> Any:
    return member(f"blobs/sha256/{Digest.of(data).hex}", content=data)


_CONFIG = json.dumps(CONFIG).encode()
MANIFEST = {
    "schemaVersion": 2, "mediaType": oci.OCI_MANIFEST,
    "config": _descriptor("application/vnd.oci.image.config.v1+json", _CONFIG),
    "layers": [_descriptor(oci.OCI_LAYER, LAYER)],
}  # fmt: skip
_MANIFEST = json.dumps(MANIFEST).encode()
_ENTRY = {
    **_descriptor(oci.OCI_MANIFEST, _MANIFEST), "platform": {"os": "linux", "architecture": "arm64"},
    "annotations": {"org.opencontainers.image.ref.name": "1"},
}  # fmt: skip
INDEX = {"schemaVersion": 2, "manifests": [_ENTRY]}
SAVED = [{"Config": f"{Digest.of(_CONFIG).hex}.json", "RepoTags": ["a:1"], "Layers": ["x/layer.tar"]}]


def one_input(content: bytes) -> None:
    if not content:
        return
    kind, rest = content[0] % 6, content[1:]
    try:
        if kind == 0:
            _document(rest)
        elif kind == 1:
            _process(ImageConfig.parse(rest))
        elif kind == 5:
            user, _, table = rest.partition(b"\n")
            found = manifests.init_user(user.decode("utf-8", "replace"), lambda path: table)
            ids = () if found is None else (found.uid, found.gid, *found.groups)
            assert all(0 <= number < 2**32 - 1 for number in ids)
        else:
            archive = {2: _saved, 3: _laid_out, 4: with_checksums}[kind](rest)
            with scratch() as folder:
                (folder / "image.tar").write_bytes(archive)
                _read(folder / "image.tar", folder)
    except PantavisorError:
        pass


def _document(data: bytes) -> None:
    chosen = oci.choose([Descriptor("", Digest.of(data), len(data))], ARM64, _Documents(data))
    assert chosen.config.fits(ARM64)


class _Documents:
    """``top``, and below it the sound ones, whatever is asked for."""

    def __init__(self, top: bytes) -> None:
        self._documents = [_MANIFEST, top]

    def manifest(self, entry: Descriptor) -> tuple[bytes, None]:
        return (self._documents.pop() if len(self._documents) > 1 else _MANIFEST), None

    def config(self, entry: Descriptor) -> bytes:
        return _CONFIG


def _process(config: ImageConfig) -> None:
    process = manifests.map_process(config.config)
    assert "\n" not in process.command
    manifests.init_user(process.user, lambda path: b"name:x:5:6::/:/bin/sh\n")


def _saved(document: bytes) -> bytes:
    members = [
        ("manifest.json", document),
        (f"{Digest.of(_CONFIG).hex}.json", _CONFIG),
        ("x/layer.tar", LAYER),
    ]
    return tar([member(name, content=data) for name, data in members])


def _laid_out(document: bytes) -> bytes:
    marker = member("oci-layout", content=b'{"imageLayoutVersion": "1.0.0"}')
    return tar([marker, member("index.json", content=document), *map(_blob, (_CONFIG, _MANIFEST, LAYER))])


def _read(path: Path, folder: Path) -> None:
    for name in (None, "1", "docker.io/library/a:1"):
        for platform in (None, ARM64):
            try:
                with layout.open_image(path, platform, name=name, scratch=folder) as image:
                    cjson.dumps(image.config.config)
                    for layer in image.layers:
                        with layer.open() as stream:
                            assert len(stream.read()) <= path.stat().st_size * 1100
            except PantavisorError:
                pass


def seeds() -> dict[str, bytes]:
    documents: dict[str, tuple[int, Any]] = {"manifest": (0, MANIFEST)}
    documents |= {"index": (0, INDEX), "config": (1, CONFIG), "saved": (2, SAVED)}
    documents["layout"] = (3, INDEX)
    written = {
        name: bytes([kind]) + json.dumps(document).encode() for name, (kind, document) in documents.items()
    }
    archives = {"docker": _saved(json.dumps(SAVED).encode()), "oci": _laid_out(json.dumps(INDEX).encode())}
    written["user"] = b"\5name:group\nname:x:5:6::/:/bin/sh\ngroup:x:7:name\n"
    return {**written, **{f"{name}-archive": b"\4" + archive for name, archive in archives.items()}}
