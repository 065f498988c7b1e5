# SPDX-License-Identifier: MIT
"""A request, together with what the repository has of its container and what src.json is to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Optional

from .. import container, names
from ..container import PackOptions, part_copy
from ..errors import PantavisorError
from ..manifests import ContainerSpec, SourceManifest
from ..manifests.rights import CONFINED
from ..manifests.spec import OVERLAY_VOLUME, ROOT_VOLUME
from ..ref import ImageSource
from ..repo import Repository
from . import worktree
from .request import AppRequest, PartSource, Source, kind_of

DEFAULTS = {
    "PV_GROUP": "app",
    "PV_STATUS_GOAL": "STARTED",
    "PV_RESTART_POLICY": "container",
    "PV_ROLES": ["nobody"],
    "PV_SECURITY_PROFILE": CONFINED,
}


class Unchanged(Exception):
    """The source is what it was; carries its digest."""


@dataclass(frozen=True)
class Plan:
    """``old`` is the src.json that an update starts from, ``wanted`` the new one as far as it does not
    depend on the source.
    """

    repository: Repository
    request: AppRequest
    source: Source
    wanted: SourceManifest
    options: PackOptions
    old: Optional[SourceManifest] = None
    is_new: bool = False

    @property
    def name(self) -> str:
        return self.request.name

    @property
    def base(self) -> Optional[str]:
        """The container whose root.squashfs is patched, if it is another's."""
        chosen = self.request.base or self.wanted.base
        return names.check_container(chosen) if chosen else None

    @property
    def is_patch(self) -> bool:
        return self.request.patch or self.base is not None

    def expect_change(self, digest: Optional[str], before: Optional[str]) -> None:
        """Raise Unchanged for an update that would make the same again."""
        request = self.request
        # The same image over another base is another container.
        forced = request.force or request.whole or request.base is not None or request.config_overlay
        if (
            self.old is not None
            and not (forced or request.changes)
            and digest is not None
            and digest == before
        ):
            raise Unchanged(digest)


def of_new(repository: Repository, request: AppRequest) -> Plan:
    """Raises PantavisorError for what exists already, unless the request has ``force``."""
    name = names.check_container(request.name)
    if request.source is None:
        raise PantavisorError(f"{name} has no source", hint="name an image, a root file system or a part")
    if request.patch:
        raise PantavisorError(f"{name} has nothing yet to patch", hint="name a base")
    repository.need_written(name)
    exists = (repository.root / name / "src.json").exists()
    if exists and not request.force:
        raise PantavisorError(
            f"container {name} exists already", hint=f"run: pvr app update {name}, or use --force"
        )
    if not exists and (repository.root / name).exists():
        raise PantavisorError(
            f"{name} exists already and is not a container", hint=f"move {repository.root / name} away"
        )
    wanted = SourceManifest(arguments=DEFAULTS).changed_by(request.changes)
    options = replace(request.pack, progress=request.notify.progress)
    return Plan(repository, request, request.source, wanted, options, is_new=not exists)


def of_existing(repository: Repository, request: AppRequest) -> Plan:
    """Raises NotFound for an unknown container, PantavisorError for a source of another type."""
    name, changes = request.name, request.changes
    old = worktree.source(repository, name)
    repository.need_written(name)
    source = request.source or _recorded(old, name)
    kind = worktree.kind(old)
    check_kind(name, kind, kind_of(source))
    if isinstance(source, PartSource) and source.part is None and old.pvr_url:
        source = replace(source, part=part_copy.recorded_part(old.pvr_url))
    # The config of a rootfs is all that there is of an image's, and is recorded in its place.
    wanted = old.changed_by(replace(changes, config={}) if kind == "rootfs" else changes)
    wanted = replace(wanted, base=None if request.whole else old.base)
    options = replace(
        request.pack, progress=request.notify.progress, verity=worktree.verity_manifests(repository, name)
    )
    return Plan(repository, request, source, _without_unmounted(name, wanted, changes.verity), options, old)


def check_kind(name: str, kind: str, asked: str) -> None:
    """Raise PantavisorError for another type than the container's."""
    if asked != kind:
        raise PantavisorError(
            f"{name} is of type {kind}, which no update changes",
            hint=f"run: pvr app add {name} --force --type {asked} --from SOURCE",
        )


def _recorded(old: SourceManifest, name: str) -> Source:
    if not old.docker_name or old.docker_source == "local" or worktree.kind(old) != "docker":
        raise PantavisorError(
            f"{name} does not record where its source is", hint=f"run: pvr app update {name} --from SOURCE"
        )
    return ImageSource.parse(f"docker://{old.docker_name}:{old.docker_tag or 'latest'}")


def _without_unmounted(name: str, wanted: SourceManifest, chosen: Mapping[str, bool]) -> SourceManifest:
    """What is no longer mounted needs no dm-verity, unless just that is asked for."""
    kept = container.mounted(ContainerSpec.from_source(name, wanted)) | {
        ROOT_VOLUME,
        OVERLAY_VOLUME,
        *chosen,
    }
    return replace(
        wanted, verity={volume: enabled for volume, enabled in wanted.verity.items() if volume in kept}
    )
