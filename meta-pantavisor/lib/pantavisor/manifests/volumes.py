# SPDX-License-Identifier: MIT
"""Volumes of a container: where they are in it, how long they last, on which disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import FormatError
from .members import PERSISTENCES, check_word

OVERLAY = "lxc-overlay"
MAX_VOLUMES = 64
# It becomes the name of a folder on the device, with dashes for slashes.
_VOLUME_PATH = re.compile(r"/[A-Za-z0-9._+@=~%/-]{1,110}")


@dataclass(frozen=True)
class Volume:
    """A writable volume of a container. ``path`` is absolute there;
    the root's own overlay is ``lxc-overlay``.
    """

    path: str
    persistence: str
    disk: Optional[str] = None
    overlay: bool = False

    @classmethod
    def parse(cls, text: str) -> Volume:
        """``path:persistence[@disk]``, ``ovl:path:persistence[@disk]`` or ``lxc-overlay:persistence``.

        Raises FormatError.
        """
        rest = text[4:] if text.startswith("ovl:") else text
        path, colon, value = rest.rpartition(":")
        if not colon:
            raise FormatError(
                f'volume "{text}" has no persistence', hint='write "/var/lib/app:permanent"'
            )
        kind = "ovl:" if rest != text else ""
        if path and path != OVERLAY and not path.startswith("/"):
            raise FormatError(
                f'the path of volume "{text}" is not absolute', hint=f'write "{kind}/{path}:{value}"'
            )
        return cls.named(kind + path, value)

    @classmethod
    def named(cls, name: str, value: str) -> Volume:
        """From the persistence map of src.json: ``name`` a path, ``ovl:<path>`` or ``lxc-overlay``.

        Raises FormatError.
        """
        persistence, at, disk = value.partition("@")
        check_word(persistence, PERSISTENCES, f"persistence of volume {name}:")
        overlay = name.startswith("ovl:")
        path = name[4:] if overlay else name
        if path != OVERLAY:
            path = _check_volume_path(path)
        if at and not disk:
            raise FormatError(
                f"volume {name} names no disk after the @", hint="leave out the @ for the device's storage"
            )
        return cls(path, persistence, disk or None, overlay)

    @property
    def key(self) -> str:
        """The name under ``storage`` of run.json and below ``/volumes/<container>/``."""
        if self.path == OVERLAY:
            return OVERLAY
        return ("dockerovl-" if self.overlay else "docker-") + self.path.replace("/", "-")

    @property
    def source_name(self) -> str:
        return f"ovl:{self.path}" if self.overlay else self.path


def persistence(texts: Iterable[str]) -> dict[str, str]:
    """The map of src.json for volumes as Volume.parse reads them. Raises FormatError."""
    found: dict[str, str] = {}
    for text in texts:
        volume = Volume.parse(text)
        value = volume.persistence + (f"@{volume.disk}" if volume.disk else "")
        if found.setdefault(volume.source_name, value) != value:
            first = found[volume.source_name]
            raise FormatError(
                f"volume {volume.source_name} is given twice, as {first} and as {value}",
                hint="keep one of them",
            )
    return found


def read_volumes(declared: Any, persistence: Mapping[str, str]) -> tuple[Volume, ...]:
    """The image's volumes are permanent unless another persistence is given; the root's overlay until the
    next boot.

    Raises FormatError.
    """
    if not isinstance(declared, (Mapping, list)) or not all(isinstance(path, str) for path in declared):
        raise FormatError("the image's Volumes is not an object whose members are paths")
    found = {OVERLAY: Volume(OVERLAY, "boot")}
    for path in declared:
        volume = Volume.named(path, "permanent")
        found[volume.source_name] = volume
    for name, value in persistence.items():
        volume = Volume.named(name, value)
        found[volume.source_name] = volume
    if len(found) > MAX_VOLUMES:
        raise FormatError(f"a container has at most {MAX_VOLUMES} volumes")
    keys = [volume.key for volume in found.values()]
    for volume in found.values():
        # Slashes become dashes there: /a-b and /a/b would share one storage.
        if keys.count(volume.key) > 1:
            raise FormatError(
                f"volume {volume.path} and another one are both called {volume.key} on the device"
            )
    return tuple(found[name] for name in sorted(found))


def _check_volume_path(path: str) -> str:
    clean = "/" + path.strip("/")
    parts = clean[1:].split("/")
    if not _VOLUME_PATH.fullmatch(clean) or any(part in ("", ".", "..") for part in parts):
        raise FormatError(
            f'"{path[:200]}" cannot be the path of a volume',
            hint="use letters, digits and ._-+@=~% in each name",
        )
    return clean
