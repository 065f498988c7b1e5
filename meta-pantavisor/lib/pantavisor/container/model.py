# SPDX-License-Identifier: MIT
"""What making a container needs, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from ..cache import Cache
from ..state import Value

Progress = Callable[[str, int, int], None]  # what is done, bytes done, bytes in all


def ignore_progress(what: str, done: int, total: int) -> None:
    """The progress that is not shown."""


@dataclass(frozen=True)
class Container:
    """The paths of a container; what went otherwise than one may think (``warnings``), and what of its
    source has no place on a device (``notes``).
    """

    files: Mapping[str, Value]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def overlaid(self, files: Mapping[str, Value], warnings: tuple[str, ...]) -> Container:
        """With further ``files``, as config_overlay reads them."""
        return replace(self, files={**self.files, **files}, warnings=(*self.warnings, *warnings))


@dataclass(frozen=True)
class PackOptions:
    """How a root file system is packed. ``mtime`` is the latest time of any file in it, as
    SOURCE_DATE_EPOCH means it; ``verity`` holds the recorded ``_dm`` manifests by volume, whose salts and
    UUIDs are kept. ``cache`` saves time and changes no byte.
    """

    profile: str = "balanced"
    libsquashfs: Optional[str] = None
    mtime: Optional[int] = None
    progress: Progress = ignore_progress
    verity: Optional[Mapping[str, Mapping[str, Any]]] = None
    cache: Optional[Cache] = None
