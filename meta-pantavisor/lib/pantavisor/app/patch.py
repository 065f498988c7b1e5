# SPDX-License-Identifier: MIT
"""Patches: only what an image has over the root.squashfs that is there already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Optional

from ... import container, names
from ...container import Container
from ...errors import NotFound, PantavisorError
from ...layers import Tree
from ...manifests import SourceManifest
from ...manifests.spec import OVERLAY_VOLUME, ROOT_VOLUME
from ...oci import Platform
from ...repo import Repository
from ...state import Value
from . import working
from .request import Request


def check(request: Request) -> None:
    """Raise for what cannot be patched, before anything is fetched."""
    base = _base(request)
    if not base and not _wanted(request):
        return
    if request.options.type != "docker":
        raise PantavisorError("only a container from an image can be a patch", hint="leave out --base and --patch")
    if base == request.name:
        raise PantavisorError(f"{base} cannot be its own base", hint="pvr app update has --patch for that")
    if base and working.source(request.repository, base).base:
        raise PantavisorError(f"{base} has a base itself and no {ROOT_VOLUME}", hint="name that base")
    if base and _dependants(request):
        over = " and ".join(_dependants(request))
        raise PantavisorError(
            f"{over} needs the {ROOT_VOLUME} of {request.name}, which a base would take away",
            hint="give it another base first: pvr app update --newbase",
        )


def make(request: Request, tree: Tree, described: SourceManifest, platform: Optional[Platform]) -> Container:
    """The container, as a patch if one is wanted, else whole."""
    repository, name = request.repository, request.name
    existing = working.volumes(repository, name, repository.pool) if not request.is_new else {}
    made = _made(request, tree, described, platform, existing)
    if request.old is None:
        return made
    before = {**existing, f"{name}/src.json": request.old.document(name)}
    return container.warn_of_codec(name, made, before, repository.pool)


def _made(
    request: Request,
    tree: Tree,
    described: SourceManifest,
    platform: Optional[Platform],
    existing: Mapping[str, Value],
) -> Container:
    repository, name = request.repository, request.name
    beside = {path: value for path, value in existing.items() if not _is_root(path.rpartition("/")[2])}
    if not _wanted(request):
        described = replace(described, overlay_digest=None, verity=_verity(described, overlay=False))
        return container.make(
            name, tree, described, repository.pool, request.folder,
            engine=request.engine, platform=platform, beside=beside,
        )  # fmt: skip
    base = _base(request)
    if not base:
        beside.update({path: value for path, value in existing.items() if path.startswith(f"{name}/{ROOT_VOLUME}")})
    return container.patch(
        name, tree, _base_object(request), _described(request, described), repository.pool, request.folder,
        engine=request.engine, platform=platform, beside=beside,
    )  # fmt: skip


def over(repository: Repository, name: str) -> tuple[str, ...]:
    """The containers that are patches over ``name``."""
    known = working.container_names(repository)
    return tuple(other for other in known if working.source(repository, other).base == name)


def warn_of_dependants(request: Request) -> None:
    """Containers that are patches over this one no longer fit when its root file system changed."""
    if request.is_new or _wanted(request):
        return
    for other in _dependants(request):
        request.console.warn(f"{other} is a patch over {request.name}: pvr app update {other} --force")


def _dependants(request: Request) -> tuple[str, ...]:
    return over(request.repository, request.name)


def _described(request: Request, described: SourceManifest) -> SourceManifest:
    """``docker_digest`` stays that of the root.squashfs, ``docker_ovl_digest`` is the new image's."""
    base = _base(request)
    below = working.source(request.repository, base) if base else request.old
    assert below is not None
    return replace(
        described,
        base=base,
        docker_digest=below.docker_digest or below.rootfs_digest,
        overlay_digest=described.docker_digest,
        verity=_verity(described, overlay=True, root=not base),
    )


def _verity(described: SourceManifest, *, overlay: bool, root: bool = True) -> dict[str, bool]:
    """Who protects the root file system means all of it."""
    wanted = dict(described.verity)
    protected = wanted.pop(ROOT_VOLUME, False) or wanted.pop(OVERLAY_VOLUME, False)
    wanted.pop(OVERLAY_VOLUME, None)
    if protected and root:
        wanted[ROOT_VOLUME] = True
    if protected and overlay:
        wanted[OVERLAY_VOLUME] = True
    return wanted


def _base_object(request: Request) -> str:
    owner = _base(request) or request.name
    object_id = working.root(request.repository, owner)
    if object_id is None:
        raise NotFound(f"{owner} has no {ROOT_VOLUME} to patch", hint="is it checked out?")
    return object_id


def _base(request: Request) -> Optional[str]:
    chosen: Optional[str] = getattr(request.options, "base", None) or request.wanted.base
    return names.check_container(chosen) if chosen else None


def _wanted(request: Request) -> bool:
    return bool(getattr(request.options, "patch", False) or _base(request))


def _is_root(volume: str) -> bool:
    return volume.startswith((ROOT_VOLUME, OVERLAY_VOLUME))
