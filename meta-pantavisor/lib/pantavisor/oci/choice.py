# SPDX-License-Identifier: MIT
"""Which image is meant: one walk for registries, layouts, archives and BitBake's downloads.

An index may hold further indexes, and next to images what only describes them: signatures, SBOMs,
provenance. Labels of entries decide where there is a choice; without a label, or where a single image is
left, its own config does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Optional, Protocol

from ..digest import Digest
from ..errors import FormatError, LimitError, NotFound
from .descriptors import Descriptor, NotAnImage
from .documents import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    ImageConfig,
    OciIndex,
    OciManifest,
    is_index,
)
from .platforms import Platform, PlatformError, no_match

MAX_INDEX_DEPTH = (
    4  # index.json -> image index -> an index for each platform -> manifest is the deepest that is seen
)
MAX_DOCUMENTS = 256  # manifests and indexes read for one choice


class Documents(Protocol):
    """Where the documents of an image come from. Both raise NotFound for what is missing."""

    def manifest(self, entry: Descriptor) -> tuple[bytes, Optional[str]]:
        """A manifest or index, verified, and the media type that came with it."""

    def config(self, entry: Descriptor) -> bytes:
        """An image's config, verified."""


@dataclass(frozen=True)
class Choice:
    """One image: its manifest as it is stored, both documents parsed."""

    data: bytes
    media_type: Optional[str]
    digest: Digest
    manifest: OciManifest
    config: ImageConfig


@dataclass(frozen=True)
class _Entry:
    """A manifest, or an index that is not read since its label names another platform."""

    descriptor: Descriptor
    label: Optional[Platform]
    data: bytes = b""
    media_type: Optional[str] = None


def choose(entries: Iterable[Descriptor], wanted: Optional[Platform], documents: Documents) -> Choice:
    """The image for ``wanted`` among ``entries``, through indexes (None: the only image that there is).

    Raises PlatformError that lists what is offered, FormatError where there is no image at all.
    """
    return _Search(wanted, documents).choose(list(entries))


class _Search:
    def __init__(self, wanted: Optional[Platform], documents: Documents) -> None:
        self._wanted = wanted
        self._documents = documents
        self._read = 0
        self._offers: list[str] = []
        self._problem: Optional[Exception] = None
        self._is_promised = False  # by a label

    def choose(self, entries: list[Descriptor]) -> Choice:
        found = self._first(entries, 0)
        if found is not None:
            return found
        if self._is_promised and isinstance(self._problem, NotFound):
            # As docker save writes an image of several platforms, of which the daemon had one.
            raise NotFound(
                f"the image for {self._wanted} is listed, but {self._problem.message}",
                hint=self._problem.hint,
            )
        if self._problem is not None and not self._offers:
            raise self._problem
        if self._wanted is None:
            raise PlatformError(
                f"the image is made for several platforms: {self._offered()}", hint="name the platform"
            )
        raise no_match(self._wanted, [self._offered()] if self._offers else [])

    def _first(self, entries: list[Descriptor], depth: int) -> Optional[Choice]:
        leaves = list(self._leaves(entries, None, depth))
        if self._wanted is None:
            return self._only(leaves)
        likely = [leaf for leaf in leaves if leaf.label is not None and self._is_for_platform(leaf.label)]
        other = [leaf for leaf in leaves if leaf.label is not None and leaf not in likely]
        open_ones = [leaf for leaf in leaves if leaf.label is None]
        self._is_promised |= bool(likely)
        for leaf in (*likely, *open_ones):
            image = self._image(leaf)
            if image is not None and self._fits(image):
                return image
        self._offers += [str(leaf.label) for leaf in other]
        # A label counts where it distinguishes images; of a single image its config knows better.
        return self._alone(other[0], depth) if len(other) == 1 and len(self._offers) == 1 else None

    def _only(self, leaves: list[_Entry]) -> Optional[Choice]:
        images = {image.digest: image for image in map(self._image, leaves) if image is not None}
        self._offers += [str(image.config.platform) for image in images.values()]
        return next(iter(images.values())) if len(images) == 1 else None

    def _alone(self, leaf: _Entry, depth: int) -> Optional[Choice]:
        """The one image there is, whatever its label."""
        before = list(self._offers)
        self._offers.clear()
        if leaf.data or leaf.descriptor.media_type not in INDEX_TYPES:
            image = self._image(leaf)
            found = image if image is not None and self._fits(image) else None
        else:
            found = self._first(list(self._index(leaf.descriptor).manifests), depth + 1)
        self._offers = self._offers or before
        return found

    def _leaves(
        self, entries: Iterable[Descriptor], label: Optional[Platform], depth: int
    ) -> Iterator[_Entry]:
        if depth > MAX_INDEX_DEPTH:
            raise FormatError(f"image indexes are nested more than {MAX_INDEX_DEPTH} deep")
        for entry in entries:
            if entry.is_companion:
                continue
            mine = entry.platform or label
            if mine is not None and self._wanted is not None and not self._is_for_platform(mine):
                yield _Entry(entry, mine)
            elif entry.media_type in MANIFEST_TYPES:
                yield _Entry(entry, mine)
            else:
                yield from self._opened(entry, mine, depth)

    def _opened(self, entry: Descriptor, label: Optional[Platform], depth: int) -> Iterator[_Entry]:
        """What an index holds; also for an entry whose label does not state what it is."""
        found = self._manifest(entry)
        if found is None:
            return
        data, media_type = found
        try:
            holds_more = is_index(data, media_type)
        except FormatError as error:
            self._problem = self._problem or error
            return
        if holds_more:
            yield from self._leaves(OciIndex.parse(data, media_type=media_type).manifests, label, depth + 1)
        else:
            yield _Entry(entry, label, data, media_type)

    def _index(self, entry: Descriptor) -> OciIndex:
        data, media_type = self._manifest(entry) or (b"", None)
        return OciIndex.parse(data, media_type=media_type)

    def _image(self, leaf: _Entry) -> Optional[Choice]:
        """The image, or None for what is not one; of labelled ones that the config fits its manifest is all
        that is asked.
        """
        data, media_type = leaf.data, leaf.media_type
        if not data:
            found = self._manifest(leaf.descriptor)
            if found is None:
                return None
            data, media_type = found
        try:
            manifest = OciManifest.parse(data, media_type=media_type)
            config = ImageConfig.of(manifest, self._documents.config(manifest.config))
        except (NotAnImage, NotFound) as error:
            self._problem = self._problem or error
            return None
        config.check(manifest)
        config = config.completed(leaf.label or self._wanted)
        return Choice(data, media_type, leaf.descriptor.digest, manifest, config)

    def _manifest(self, entry: Descriptor) -> Optional[tuple[bytes, Optional[str]]]:
        self._read += 1
        if self._read > MAX_DOCUMENTS:
            raise LimitError(f"choosing an image needs more than the {MAX_DOCUMENTS} documents allowed")
        try:
            return self._documents.manifest(entry)
        except NotFound as error:
            # An archive may leave out the images of other platforms,
            # a registry what only described an image.
            self._problem = self._problem or error
            return None

    def _is_for_platform(self, label: Platform) -> bool:
        return self._wanted is not None and self._wanted.matches(label)

    def _fits(self, image: Choice) -> bool:
        if self._wanted is None or image.config.fits(self._wanted):
            return True
        self._offers.append(str(image.config.platform))
        return False

    def _offered(self) -> str:
        return ", ".join(sorted(set(self._offers))) or "nothing"
