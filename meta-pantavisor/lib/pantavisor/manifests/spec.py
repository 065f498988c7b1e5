"""A container as one typed value: what its template arguments, its image's config and its volumes say together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from .. import names
from ..errors import FormatError
from .arguments import check_arguments
from .process import Process, map_process
from .source import SourceManifest

PERSISTENCES = ("permanent", "revision", "boot")
OVERLAY = "lxc-overlay"
LXC_CONFIG = "lxc.container.conf"
ROOT_VOLUME = "root.squashfs"
OVERLAY_VOLUME = "root.ovl.squashfs"
MAX_VOLUMES = 64
# It becomes the name of a folder on the device, with dashes for slashes.
_VOLUME_PATH = re.compile(r"/[A-Za-z0-9._+@=~%/-]{1,110}")


@dataclass(frozen=True)
class Volume:
    """A writable volume of a container. ``path`` is absolute there; the root's own overlay is ``lxc-overlay``."""

    path: str
    persistence: str
    disk: Optional[str] = None
    overlay: bool = False

    @classmethod
    def parse(cls, text: str) -> Volume:
        """``path:persistence[@disk]``, ``ovl:path:persistence[@disk]`` or ``lxc-overlay:persistence``."""
        rest = text[4:] if text.startswith("ovl:") else text
        path, colon, value = rest.rpartition(":")
        if not colon:
            raise FormatError(f'volume "{text}" does not say how long it lasts', hint='say "/var/lib/app:permanent"')
        return cls.named(f"ovl:{path}" if rest != text else path, value)

    @classmethod
    def named(cls, name: str, value: str) -> Volume:
        """From the persistence map of src.json: ``name`` a path, ``ovl:<path>`` or ``lxc-overlay``."""
        persistence, at, disk = value.partition("@")
        if persistence not in PERSISTENCES:
            raise names.unknown(persistence, PERSISTENCES, what=f"persistence of volume {name}:")
        overlay = name.startswith("ovl:")
        path = name[4:] if overlay else name
        if path != OVERLAY:
            path = _check_volume_path(path)
        return cls(path, persistence, disk if at else None, overlay)

    @property
    def key(self) -> str:
        """The name under ``storage`` of run.json and below ``/volumes/<container>/``."""
        if self.path == OVERLAY:
            return OVERLAY
        return ("dockerovl-" if self.overlay else "docker-") + self.path.replace("/", "-")

    @property
    def source_name(self) -> str:
        return f"ovl:{self.path}" if self.overlay else self.path


@dataclass(frozen=True)
class ContainerSpec:
    """Everything that run.json and lxc.container.conf are made from."""

    name: str
    arguments: Mapping[str, Any]
    process: Process
    volumes: tuple[Volume, ...]
    logs: Optional[list[Any]] = None
    exports: Optional[list[Any]] = None
    verity: frozenset[str] = frozenset()
    base: Optional[str] = None
    patched: bool = False
    user: Optional[tuple[int, int]] = field(default=None)

    @classmethod
    def from_source(cls, name: str, source: SourceManifest, *, user: Optional[tuple[int, int]] = None) -> ContainerSpec:
        """``user`` is what ``init_user`` found for the image's User; None runs init as root."""
        names.check_container(name)
        if source.base:
            names.check_container(source.base)
        config = {**source.image_config, **{key: value for key, value in source.config.items() if value is not None}}
        return cls(
            name=name,
            arguments=check_arguments(source.arguments),
            process=map_process(config),
            volumes=_volumes(config.get("Volumes") or {}, source.persistence),
            logs=source.logs,
            exports=source.exports,
            verity=frozenset(volume for volume, enabled in source.verity.items() if enabled),
            base=source.base,
            patched=bool(source.overlay_digest),
            user=user,
        )

    def text(self, argument: str, default: str = "") -> str:
        return str(self.arguments.get(argument) or default)

    def words(self, argument: str) -> tuple[str, ...]:
        return tuple(self.arguments.get(argument) or ())

    def flag(self, argument: str) -> bool:
        return bool(self.arguments.get(argument))

    @property
    def runs(self) -> bool:
        """Whether anything is started: a container that is only mounted has no LXC configuration."""
        return self.text("PV_STATUS_GOAL") != "MOUNTED" and self.text("PV_RUNLEVEL") != "data"


def _volumes(declared: Any, persistence: Mapping[str, str]) -> tuple[Volume, ...]:
    """The image's volumes last for ever unless said otherwise; the root's overlay until the next boot."""
    if not isinstance(declared, (Mapping, list)) or not all(isinstance(path, str) for path in declared):
        raise FormatError("the image's Volumes is not an object whose members are paths")
    found = {OVERLAY: Volume(OVERLAY, "boot")}
    for path in declared:
        volume = Volume.named(path, "permanent")
        found[volume.source_name] = volume
    for name, value in persistence.items():
        volume = Volume.named(name, value)
        found[volume.source_name] = volume
    keys = [volume.key for volume in found.values()]
    for volume in found.values():
        # Slashes become dashes there: /a-b and /a/b would share one storage.
        if keys.count(volume.key) > 1:
            raise FormatError(f"volume {volume.path} and another one are both called {volume.key} on the device")
    if len(found) > MAX_VOLUMES:
        raise FormatError(f"a container has at most {MAX_VOLUMES} volumes")
    return tuple(found[name] for name in sorted(found))


def _check_volume_path(path: str) -> str:
    clean = "/" + path.strip("/")
    parts = clean[1:].split("/")
    if not _VOLUME_PATH.fullmatch(clean) or any(part in ("", ".", "..") for part in parts):
        raise FormatError(f'"{path[:200]}" cannot be the path of a volume', hint="letters, digits and ._-+@=~% in each name")
    return clean
