# SPDX-License-Identifier: MIT
"""What a caller wants done with a container, as values; nothing of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

from ..container import PackOptions, Progress, ignore_progress
from ..errors import FormatError
from ..manifests import SourceChanges
from ..oci import Platform
from ..ref import ImageSource
from ..registry import Credentials, RegistryOptions
from ..repo import StateSource


@dataclass(frozen=True)
class RootfsSource:
    """A directory, everything in it owned by root, or a tarball as it is."""

    path: Path


@dataclass(frozen=True)
class PartSource:
    """A container of a repository or of an export. ``part`` may be left out where that has only one."""

    path: Path
    part: Optional[str] = None

    @classmethod
    def parse(cls, text: str) -> PartSource:
        """``PATH#PART``; a path may hold a ``#`` itself where it exists. Raises FormatError for more than
        one part.
        """
        source = StateSource.parse(text)
        words = source.part_filter.wanted
        if source.part_filter.unwanted or len(words) > 1:
            raise FormatError(f'"{text[:200]}" is not one container', hint=f"name one: {source.path}#NAME")
        return cls(source.path, words[0] if words else None)


Source = Union[ImageSource, RootfsSource, PartSource]


def kind_of(source: Source) -> str:
    """docker, rootfs or pvr, as src.json and the command line call them."""
    if isinstance(source, ImageSource):
        return "docker"
    return "rootfs" if isinstance(source, RootfsSource) else "pvr"


def _ignore(text: str) -> None:
    """The warning that the caller does not want."""


@dataclass(frozen=True)
class Notify:
    """Who hears of bytes on their way, and of what went otherwise than one may think."""

    progress: Progress = ignore_progress
    warn: Callable[[str], None] = _ignore


SILENT = Notify()


@dataclass(frozen=True)
class AppRequest:
    """A container to add or to update.

    An update without ``source`` takes the recorded image. ``base`` and ``patch`` keep only what the image
    has over another container's root.squashfs, or over its own; ``whole`` ends that. ``force`` replaces
    what exists already, and makes again what is unchanged. ``credentials`` go to the registry of the source
    and nowhere else. The files of ``config_overlay``, a directory, take the place of those of
    the container's config overlay.
    """

    name: str
    source: Optional[Source] = None
    changes: SourceChanges = SourceChanges()
    platform: Optional[Platform] = None
    base: Optional[str] = None
    patch: bool = False
    whole: bool = False
    force: bool = False
    pack: PackOptions = PackOptions()
    config_overlay: Optional[Path] = None
    registry: RegistryOptions = RegistryOptions()
    credentials: Optional[Credentials] = None
    notify: Notify = field(default=SILENT, compare=False)

    def __post_init__(self) -> None:
        if self.patch + self.whole + (self.base is not None) > 1:
            raise FormatError(
                "a patch, a whole root file system and another base exclude each other", hint="choose one"
            )


@dataclass(frozen=True)
class Made:
    """What became of a request: ``origin`` is what the container is made from. Not ``changed`` if it was so
    already.
    """

    name: str
    origin: str
    changed: bool = True
