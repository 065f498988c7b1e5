# SPDX-License-Identifier: MIT
"""An image without an engine: what a Dockerfile that runs nothing asks for, as layers and a configuration
of our own.

Known are FROM scratch, ADD of an archive, COPY, ENV, WORKDIR, EXPOSE, STOPSIGNAL and ENTRYPOINT. ADD and
COPY make a layer each. The same files make the same bytes: owner root, one time, modes that no umask shows
in.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from .failure import Failure
from .packages import EPOCH

LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CONFIG = "application/vnd.docker.container.image.v1+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CREATED = "2026-01-01T00:00:00Z"
GZIP_LEVEL = 4
CHUNK = 1 << 20


@dataclass(frozen=True)
class Blob:
    """A file by its digest; ``plain`` is the digest of a layer before it was packed."""

    path: Path
    media_type: str
    digest: str
    plain: str = ""

    def document(self) -> dict[str, Any]:
        """As manifests describe it."""
        return {"mediaType": self.media_type, "size": self.path.stat().st_size, "digest": self.digest}


@dataclass
class BuiltImage:
    """Blobs, the configuration last, and the manifest that binds them."""

    layers: list[Blob] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)

    def finish(self, folder: Path, platform: str) -> tuple[list[Blob], bytes]:
        """Write the configuration; all blobs, and the manifest."""
        system, _, architecture = platform.partition("/")
        document = {
            "architecture": architecture,
            "os": system,
            "created": CREATED,
            "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": [layer.plain for layer in self.layers]},
        }
        path = folder / "config.json"
        path.write_bytes(_json(document))
        config = Blob(path, CONFIG, _digest(path.read_bytes()))
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.document(),
            "layers": [layer.document() for layer in self.layers],
        }
        return [*self.layers, config], _json(manifest)


def build(context: Path, dockerfile: Path, folder: Path, *, platform: str) -> tuple[list[Blob], bytes]:
    """Make the image's blobs in ``folder``, which exists; returns them and the manifest."""
    built = BuiltImage()
    for line in _lines(dockerfile.read_text()):
        word, _, rest = line.partition(" ")
        _step(built, context, folder, word.upper(), rest.strip())
    return built.finish(folder, platform)


def _step(built: BuiltImage, context: Path, folder: Path, word: str, rest: str) -> None:
    config = built.config
    if word in ("ADD", "COPY"):
        *sources, target = rest.split()
        layer = folder / f"{len(built.layers)}.tar.gz"
        paths = [context / source for source in sources]
        members = _archive(paths[0]) if word == "ADD" else _files(paths, target)
        built.layers.append(_pack(layer, members))
    elif word == "ENV":
        config.setdefault("Env", []).append(rest)
    elif word == "EXPOSE":
        config.setdefault("ExposedPorts", {})[f"{rest}/tcp"] = {}
    elif word == "ENTRYPOINT":
        config["Entrypoint"] = json.loads(rest)
    elif word in ("WORKDIR", "STOPSIGNAL"):
        config[{"WORKDIR": "WorkingDir", "STOPSIGNAL": "StopSignal"}[word]] = rest
    elif (word, rest) != ("FROM", "scratch"):
        raise Failure(f'without an engine no image can be made with "{word} {rest}"')


def _lines(text: str) -> Iterator[str]:
    """Instructions, without comments; lines that go on are one."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            yield line.strip()


Member = tuple[tarfile.TarInfo, "bytes | None"]


def _archive(path: Path) -> Iterator[Member]:
    """The members of an archive as they are; devices are made by who runs a container."""
    with tarfile.open(path) as archive:
        for member in archive:
            if not member.isdev():
                stream = archive.extractfile(member) if member.isreg() else None
                yield member, stream.read() if stream else None


def _files(paths: Iterable[Path], target: str) -> Iterator[Member]:
    """What COPY lays at ``target``: a folder's content, or files."""
    place = PurePosixPath(target.lstrip("/"))
    for path in paths:
        if path.is_dir():
            for entry in sorted(path.rglob("*")):
                yield _member(entry, place / entry.relative_to(path).as_posix())
        else:
            yield _member(path, place / path.name if target.endswith("/") else place)


def _member(path: Path, place: PurePosixPath) -> Member:
    info = tarfile.TarInfo(str(place))
    info.mtime = EPOCH
    if path.is_symlink():
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
        return info, None
    info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    if path.is_dir():
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        return info, None
    content = path.read_bytes()
    info.size = len(content)
    return info, content


def _pack(path: Path, members: Iterable[Member]) -> Blob:
    plain = path.with_suffix("")
    with tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, None if content is None else io.BytesIO(content))
    with plain.open("rb") as source, path.open("wb") as raw:
        hasher = hashlib.sha256()
        with gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) as packed:
            while chunk := source.read(CHUNK):
                hasher.update(chunk)
                packed.write(chunk)
    plain.unlink()
    return Blob(path, LAYER, _digest(path.read_bytes()), f"sha256:{hasher.hexdigest()}")


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
