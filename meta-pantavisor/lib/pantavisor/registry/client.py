# SPDX-License-Identifier: MIT
"""Resolve a reference for a platform, and pull what it means."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Optional, TypeVar

from .. import atomic, layout, oci
from ..digest import Digest
from ..errors import DigestError, FormatError, LimitError, PantavisorError
from ..http import HttpError, Unreachable
from ..http.body import ignore_advance
from ..oci import Descriptor, ImageConfig, OciManifest, Platform
from ..ref import Ref
from . import manifest
from .download import Advance, Download, matches
from .manifest import Document
from .options import Endpoint, RegistryOptions, endpoints
from .session import Cancelled, RegistrySession

# A mirror that fails in one of these ways is passed over.
_MIRROR_FAILURES = (HttpError, DigestError, FormatError)

Progress = Callable[[int, int], None]
Where = Callable[[Digest], Path]
T = TypeVar("T")


@dataclass(frozen=True)
class Resolved:
    """What a reference means for a platform; ``pin`` is what it names, an index or the manifest."""

    ref: Ref
    platform: Platform
    top: Document
    chosen: Document
    manifest: OciManifest
    config: ImageConfig

    @property
    def pin(self) -> Digest:
        return self.top.digest

    @property
    def digest(self) -> Digest:
        return self.chosen.digest

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Config and layers, each once."""
        return tuple(
            {entry.digest: entry for entry in (self.manifest.config, *self.manifest.layers)}.values()
        )


class Client:
    """Asks registries. ``note`` hears what is not a failure, such as a mirror passed over."""

    def __init__(
        self, options: Optional[RegistryOptions] = None, *, note: Optional[Callable[[str], None]] = None
    ) -> None:
        self._options = options or RegistryOptions()
        self._session = RegistrySession(self._options)
        self._note = note or (lambda text: None)
        self._dead: set[str] = set()

    def manifest(self, ref: Ref) -> Document:
        """The manifest or index that ``ref`` names, of at most oci.MAX_MANIFEST_BYTES."""
        return self._ask(ref, lambda endpoint: manifest.ask(self._session, endpoint, ref))

    def resolve(self, ref: Ref, platform: Optional[Platform]) -> Resolved:
        """The image for ``platform`` (None: the only one). Raises PlatformError that lists the others."""
        top = self.manifest(ref)
        entry = Descriptor(top.media_type, top.digest, len(top.data))
        chosen = oci.choose([entry], platform, _Documents(self, ref, top))
        document = Document(chosen.data, chosen.media_type or "", chosen.digest)
        return Resolved(
            ref, platform or chosen.config.platform, top, document, chosen.manifest, chosen.config
        )

    def pull(
        self,
        ref: Ref,
        platform: Optional[Platform],
        directory: Path,
        *,
        progress: Optional[Progress] = None,
    ) -> Digest:
        """Make ``directory``, which must not exist, an OCI layout of the one image,
        and return its manifest's digest.

        ``progress(done, total)`` counts bytes, from any thread but one at a time.
        After an error nothing is left but whole blobs in ``blob_cache``. Raises FormatError.
        """
        if directory.exists():
            raise FormatError(f"{directory} already exists", hint="remove it, or name another directory")
        resolved = self.resolve(ref, platform)
        with ExitStack() as stack:
            store = self._options.blob_cache
            if store is None:
                store = stack.enter_context(atomic.scratch_for(directory))
            where = partial(blob_path, store)
            self.fetch(ref, resolved.blobs, where, progress=progress)
            return layout.write(
                directory,
                resolved.chosen.data,
                media_type=resolved.chosen.media_type,
                platform=resolved.platform,
                name=f"{ref.name}:{ref.tag}" if ref.tag else str(ref),
                place=_linker(where),
            )

    def fetch(
        self, ref: Ref, blobs: tuple[Descriptor, ...], where: Where, *, progress: Optional[Progress] = None
    ) -> None:
        """Have every blob at ``where(digest)``, a few at a time. A damaged one found there is replaced."""
        counter = _Counter(sum(blob.size for blob in blobs), progress)
        for blob in blobs:
            where(blob.digest).parent.mkdir(parents=True, exist_ok=True)
        try:
            with ThreadPoolExecutor(max(1, self._options.parallel), thread_name_prefix="blob") as pool:
                futures = [
                    pool.submit(self._ensure_blob, ref, blob, where(blob.digest), counter.advance)
                    for blob in blobs
                ]
                try:
                    wait(futures, return_when=FIRST_EXCEPTION)
                finally:
                    # The first failure, or an interrupt, ends the others; else nothing is running any more.
                    self._session.stop.set()
                    for future in futures:
                        future.cancel()
        finally:
            self._session.stop.clear()
        errors = [future.exception() for future in futures if not future.cancelled()]
        for error in sorted(
            (error for error in errors if error), key=lambda error: isinstance(error, Cancelled)
        ):
            raise error

    def blob(self, ref: Ref, wanted: Descriptor, path: Path, *, advance: Advance = ignore_advance) -> None:
        """Download one blob to ``path``, which appears only when it is whole and right."""

        def download(endpoint: Endpoint) -> None:
            with atomic.replacing(path) as target:
                work = Download(self._session, endpoint, wanted, target, advance)
                try:
                    work.run()
                except BaseException:
                    work.forget()
                    raise

        self._ask(ref, download)

    def blob_bytes(self, ref: Ref, wanted: Descriptor, *, limit: int) -> bytes:
        """A small blob. Raises LimitError if it is promised larger than ``limit`` bytes."""
        if wanted.size > limit:
            raise LimitError(
                f"blob {wanted.digest} is {wanted.size} bytes large, more than the {limit} allowed"
            )

        def download(endpoint: Endpoint) -> bytes:
            target = io.BytesIO()
            Download(self._session, endpoint, wanted, target, ignore_advance).run()
            return target.getvalue()

        return self._ask(ref, download)

    def _ensure_blob(self, ref: Ref, wanted: Descriptor, path: Path, advance: Advance) -> None:
        there = matches(os.fspath(path), wanted.digest, wanted.size)
        if there:
            advance(wanted.size)
            return
        if there is False:
            self._note(f"{path} is damaged and is fetched again")
        self.blob(ref, wanted, path, advance=advance)

    def _ask(self, ref: Ref, action: Callable[[Endpoint], T]) -> T:
        places = [
            place
            for place in endpoints(ref, self._options)
            if place.host not in self._dead or not place.mirror
        ]
        skipped: list[PantavisorError] = []
        for place in places[:-1]:
            try:
                return action(place)
            except Cancelled:
                raise
            except _MIRROR_FAILURES as error:
                if isinstance(error, Unreachable):
                    self._dead.add(place.host)
                self._note(f"registry mirror {place.name} is skipped: {error.message}")
                skipped.append(error)
        try:
            return action(places[-1])
        except _MIRROR_FAILURES as error:
            for mirrored in skipped:
                _join(error, mirrored)
            raise


def _join(error: PantavisorError, mirrored: PantavisorError) -> None:
    """Add what its mirror failed with: a missing login there looks like a missing network otherwise."""
    error.message += f"; before that, its mirror: {mirrored.message}"
    hints = (error.hint, mirrored.hint and f"for the mirror: {mirrored.hint}")
    error.hint = "; ".join(filter(None, hints)) or None


class _Documents:
    """The documents that a reference leads to, for choosing; what it names itself was read before."""

    def __init__(self, client: Client, ref: Ref, top: Document) -> None:
        self._client = client
        self._ref = ref
        self._top = top

    def manifest(self, entry: Descriptor) -> tuple[bytes, Optional[str]]:
        if entry.digest == self._top.digest:
            return self._top.data, self._top.media_type
        found = self._client.manifest(self._ref.with_digest(entry.digest))
        if len(found.data) != entry.size:
            raise DigestError(
                f"manifest {entry.digest} has {len(found.data)} bytes, not the {entry.size} promised"
            )
        return found.data, found.media_type

    def config(self, entry: Descriptor) -> bytes:
        return self._client.blob_bytes(self._ref, entry, limit=oci.MAX_CONFIG_BYTES)


class _Counter:
    def __init__(self, total: int, progress: Optional[Progress]) -> None:
        self._total = total
        self._done = 0
        self._progress = progress
        self._lock = Lock()

    def advance(self, count: int) -> None:
        if self._progress is None or count == 0:
            return
        with self._lock:
            self._done += count
            self._progress(self._done, self._total)


def blob_path(store: Path, digest: Digest) -> Path:
    return store / digest.algorithm / digest.hex


def _linker(where: Where) -> layout.Place:
    def place(descriptor: Descriptor, target: Path) -> None:
        source = where(descriptor.digest)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)  # another file system, or one without hard links

    return place
