# SPDX-License-Identifier: MIT
"""BitBake's fetcher for ``docker://``: images by digest into DL_DIR,
and an OCI layout of them where sources go.

An image is fetched piece by piece, each piece a URL of its own (see ``downloads``). So DL_DIR,
BB_NO_NETWORK, BB_ALLOWED_NETWORKS, PREMIRRORS and MIRRORS mean what they mean for every other fetcher. To
name another registry as a mirror, keep the path:

    PREMIRRORS:prepend = "docker://docker.io/ docker://localhost:5000/ "

What is in DL_DIR is checked whenever do_fetch runs; what is damaged is fetched again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import bb
import bb.fetch2
from pantavisor import atomic, layout, oci
from pantavisor.digest import Digest
from pantavisor.errors import NotFound, PantavisorError
from pantavisor.oci import Descriptor
from pantavisor.ref import Ref
from pantavisor.registry import AccessDenied, Client
from pantavisor.registry import download as downloading

import pvbb.downloads
import pvbb.tags
from pvbb.downloads import BlobUrl, ImageUrl, RecordUrl
from pvbb.registries import client

if TYPE_CHECKING:
    from typing import Any, Optional, Union


class DockerFetcher(bb.fetch2.FetchMethod):  # type: ignore[misc]
    """For an image, everything happens in ``try_mirrors``: its pieces have their own mirrors."""

    def supports(self, ud: Any, d: Any) -> bool:
        return bool(ud.type == "docker")

    def urldata_init(self, ud: Any, d: Any) -> None:
        ud.item = _as_fetch_error(ud.url, pvbb.downloads.parse, d.expand(ud.url))
        ud.client = None
        if isinstance(ud.item, ImageUrl):
            ud.needdonestamp = False
            digest = ud.item.ref.digest
            ud.localfile = (
                pvbb.downloads.blob_name(digest) if digest else pvbb.downloads.record_name(ud.item.ref)
            )
        elif isinstance(ud.item, BlobUrl):
            ud.localfile = pvbb.downloads.blob_name(ud.item.digest)
        else:
            ud.localfile = ud.item.name

    def supports_checksum(self, ud: Any) -> bool:
        # A record has no checksum either, but mirrors only look for files of methods that answer yes here.
        return not isinstance(ud.item, ImageUrl)

    def recommends_checksum(self, ud: Any) -> bool:
        return False

    def need_update(self, ud: Any, d: Any) -> bool:
        return isinstance(ud.item, ImageUrl) or not os.path.exists(ud.localpath)

    def try_mirrors(self, fetch: Any, ud: Any, d: Any, mirrors: Any, check: bool = False) -> bool:
        if not isinstance(ud.item, ImageUrl):
            return bool(super().try_mirrors(fetch, ud, d, mirrors, check))
        if check:
            return self.checkstatus(fetch, ud, d)
        _as_fetch_error(ud.url, _Image(ud, d).fetch)
        return True

    def checkstatus(self, fetch: Any, ud: Any, d: Any) -> bool:
        bb.fetch2.check_network_access(d, "a registry request", ud.url)
        _as_fetch_error(ud.url, client(d).manifest, ud.item.ref)
        return True

    def download(self, ud: Any, d: Any) -> None:
        """One piece, from the registry that its URL names."""
        bb.fetch2.check_network_access(d, "a registry request", ud.url)
        ud.client = ud.client or client(d)
        _as_fetch_error(ud.url, _download, ud.client, ud.item, Path(ud.localpath))

    def unpack(self, ud: Any, rootdir: str, d: Any) -> None:
        """An OCI layout with symbolic links into DL_DIR, in ``<rootdir>/oci`` or what ``;name=`` names."""
        target = Path(rootdir, ud.item.name)
        ud.unpack_tracer.unpack("docker", str(target))
        _as_fetch_error(ud.url, _Image(ud, d).unpack, target)

    def clean(self, ud: Any, d: Any) -> None:
        """Forget what the tag means, and the manifest or blob itself; what other images may share stays."""
        bb.utils.remove(ud.localpath)


class _Image:
    """The pieces of one image."""

    def __init__(self, ud: Any, d: Any) -> None:
        self._ud = ud
        self._url: ImageUrl = ud.item
        # Nested fetches set variables of their own (2.8 leaves BB_NO_NETWORK behind).
        self._d = d.createCopy()
        if d.getVar("SOURCE_MIRROR_URL") and bb.data.inherits_class("own-mirrors", d):
            # openembedded-core's class lists the kinds of URLs that it knows.
            self._d.prependVar("PREMIRRORS", f"docker://.*/.* {d.getVar('SOURCE_MIRROR_URL')} ")
        self._downloads = Path(d.getVar("DL_DIR"))
        self._client: Optional[Client] = None

    def fetch(self) -> None:
        """Have every piece in DL_DIR, whole. Without a pinned digest, print how to pin it."""
        self._downloads.mkdir(parents=True, exist_ok=True)
        digest = self._url.ref.digest or self._resolve()
        chosen = self._choose(digest, have=True)
        layers = {layer.digest: layer for layer in chosen.manifest.layers}.values()
        self._obtain([self._piece("blob", layer) for layer in layers])
        if self._url.ref.digest is None:
            bb.warn(
                f"{self._d.getVar('PN')}: {self._url.ref} is not pinned and was found "
                "to be the image below. "
                f'To build the same everywhere, set in the recipe:\nPVR_DOCKER_DIGEST = "{digest}"'
            )

    def unpack(self, target: Path) -> None:
        digest = self._url.ref.digest or pvbb.downloads.read_record(self._downloads / self._record().name)
        if digest is None:
            raise PantavisorError(f"{self._url.ref} was not fetched", hint="run the task do_fetch")
        bb.utils.remove(str(target), recurse=True)

        def place(descriptor: Descriptor, link: Path) -> None:
            link.symlink_to(self._present(descriptor.digest))

        ref = self._url.ref
        target.parent.mkdir(parents=True, exist_ok=True)
        layout.write(
            target,
            self._choose(digest, have=False).data,
            platform=self._url.platform,
            name=f"{ref.name}:{ref.tag}" if ref.tag else str(ref),
            place=place,
        )

    def _resolve(self) -> Digest:
        pvbb.tags.need_digest(self._url.ref, self._d)
        record = self._record()
        path = self._downloads / record.name
        digest = pvbb.downloads.read_record(path)
        if digest is None:
            _discard(path)
            self._run([record])
            digest = pvbb.downloads.read_record(path)
        if digest is None:
            raise PantavisorError(f"the record {path} is empty", hint="remove it")
        return digest

    def _record(self) -> RecordUrl:
        return RecordUrl(self._url.ref, pvbb.downloads.record_name(self._url.ref))

    def _choose(self, digest: Digest, *, have: bool) -> oci.Choice:
        """The image for the platform, through the index if ``digest`` is that of one."""
        return oci.choose([Descriptor("", digest, 0)], self._url.platform, _Documents(self._document, have))

    def _document(self, kind: str, entry: Descriptor, have: bool) -> bytes:
        if have:
            self._obtain([self._piece(kind, entry)])
        limit = oci.MAX_CONFIG_BYTES if kind == "blob" else oci.MAX_MANIFEST_BYTES
        return layout.directory.read_file(self._present(entry.digest), entry.digest, limit)

    def _present(self, digest: Digest) -> Path:
        path = self._path(digest)
        if not path.exists():
            raise NotFound(
                f"blob {digest} of {self._url.ref} is not in DL_DIR", hint="run the task do_fetch"
            )
        return path

    def _piece(self, kind: str, descriptor: Descriptor) -> BlobUrl:
        ref = Ref(self._url.ref.host, self._url.ref.repository, None, descriptor.digest)
        return BlobUrl(ref, descriptor.digest, kind, descriptor.size)

    def _path(self, digest: Digest) -> Path:
        return self._downloads / pvbb.downloads.blob_name(digest)

    def _obtain(self, pieces: list[BlobUrl]) -> None:
        missing = []
        for piece in pieces:
            path = self._path(piece.digest)
            size = piece.size if piece.kind == "blob" else None
            there = downloading.matches(os.fspath(path), piece.digest, size)
            if there is False:
                bb.warn(f"{path} is damaged and is fetched again")
                _discard(path)
            if not there:
                missing.append(piece)
        if missing:
            self._run(missing)

    def _run(self, pieces: Union[list[BlobUrl], list[RecordUrl]]) -> None:
        """Through BitBake where mirrors have a word;
        else by ourselves, several at a time, with one error.
        """
        fetch = bb.fetch2.Fetch([str(piece) for piece in pieces], self._d, cache=False)
        if self._is_mirrored(fetch):
            fetch.download()
            return
        bb.fetch2.check_network_access(self._d, "a registry request", self._ud.url)
        self._client = self._client or client(self._d)
        blobs = [piece for piece in pieces if isinstance(piece, BlobUrl) and piece.kind == "blob"]
        for piece in pieces:
            if piece not in blobs:
                _download(
                    self._client, piece, self._downloads / os.path.basename(str(piece).partition(";")[0])
                )
        if blobs:
            bb.note(
                f"{self._url.ref}: fetching {len(blobs)} blobs, {sum(blob.size for blob in blobs)} bytes"
            )
            self._client.fetch(self._url.ref, tuple(blob.descriptor for blob in blobs), self._path)

    def _is_mirrored(self, fetch: Any) -> bool:
        if bb.utils.to_boolean(self._d.getVar("BB_FETCH_PREMIRRORONLY")):
            return True
        lines = [
            line
            for name in ("PREMIRRORS", "MIRRORS")
            for line in bb.fetch2.mirror_from_string(self._d.getVar(name))
        ]
        return any(bb.fetch2.build_mirroruris(ud, lines, self._d)[0] for ud in fetch.ud.values())


class _Documents:
    """The documents in DL_DIR, for choosing; fetched first where ``have`` asks for that."""

    def __init__(self, read: Callable[[str, Descriptor, bool], bytes], have: bool) -> None:
        self._read = read
        self._have = have

    def manifest(self, entry: Descriptor) -> tuple[bytes, Optional[str]]:
        return self._read("manifest", entry, self._have), entry.media_type

    def config(self, entry: Descriptor) -> bytes:
        return self._read("blob", entry, self._have)


def register() -> None:
    """Make BitBake know ``docker://``; once in each process."""
    if not any(type(method).__name__ == DockerFetcher.__name__ for method in bb.fetch2.methods):
        bb.fetch2.methods.append(DockerFetcher())


def _download(using: Client, item: Union[ImageUrl, BlobUrl, RecordUrl], path: Path) -> None:
    if isinstance(item, BlobUrl) and item.kind == "blob":
        using.blob(item.ref, item.descriptor, path)
    elif isinstance(item, BlobUrl):
        atomic.write(path, using.manifest(item.ref).data)
    elif isinstance(item, RecordUrl):
        document = using.manifest(Ref(item.ref.host, item.ref.repository, item.ref.tag, None))
        atomic.write(path.parent / pvbb.downloads.blob_name(document.digest), document.data)
        atomic.write(path, pvbb.downloads.record_bytes(item.ref, document.digest))


def _discard(path: Path) -> None:
    for name in (path, path.with_name(f"{path.name}.done")):
        bb.utils.remove(str(name))


def _as_fetch_error(url: str, function: Any, *arguments: Any) -> Any:
    """Call; what the library calls a mistake, BitBake shall call a failed fetch."""
    try:
        return function(*arguments)
    except PantavisorError as error:
        hint = error.hint or ""
        if isinstance(error, AccessDenied):
            # docker login alone may not help: kas replaces HOME, a CI machine has none.
            hint += "; name the file with the credentials in PVR_DOCKER_AUTHFILE or REGISTRY_AUTH_FILE"
        raise bb.fetch2.FetchError(
            f"{error.message} (hint: {hint})" if hint else error.message, url
        ) from error
