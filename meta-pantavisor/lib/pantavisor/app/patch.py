# SPDX-License-Identifier: MIT
"""Patches: only what an image has over the root.squashfs that exists already."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Optional

from .. import container
from ..container import Container
from ..errors import NotFound, PantavisorError
from ..layers import Tree
from ..manifests import SourceManifest
from ..manifests.spec import OVERLAY_VOLUME, ROOT_VOLUME
from ..oci import Platform
from ..ref import ImageSource
from ..repo import Repository
from ..state import Value
from . import worktree
from .plan import Plan


def check(plan: Plan) -> None:
    """Raise PantavisorError for what cannot be patched, before anything is fetched."""
    base = plan.base
    if not plan.is_patch:
        return
    if not isinstance(plan.source, ImageSource):
        raise PantavisorError(
            "only a container from an image can be a patch", hint="leave out --base and --patch"
        )
    if base == plan.name:
        raise PantavisorError(f"{base} cannot be its own base", hint="use pvr app update --patch")
    if base:
        plan.repository.need_written(base)
    if base and worktree.source(plan.repository, base).base:
        raise PantavisorError(f"{base} has a base itself and no {ROOT_VOLUME}", hint="name that base")
    dependants = patches_of(plan.repository, plan.name)
    if base and dependants:
        raise PantavisorError(
            f"{' and '.join(dependants)} needs the {ROOT_VOLUME} of {plan.name}, "
            "which a base would take away",
            hint="give it another base first: pvr app update --newbase",
        )


def make(
    plan: Plan, tree: Tree, described: SourceManifest, platform: Optional[Platform], folder: Path
) -> Container:
    """The container, as a patch if the plan asks for one, else whole.

    Raises NotFound where the base has no root file system.
    """
    repository, name = plan.repository, plan.name
    existing = worktree.volumes(repository, name, repository.pool) if not plan.is_new else {}
    pack: Callable[..., Container] = container.make
    if plan.is_patch:
        pack = functools.partial(container.patch, base=_base_object(plan))
    made = pack(
        name, tree, source=_described(plan, described), pool=repository.pool, scratch=folder,
        options=plan.options, platform=platform, beside=_kept_volumes(plan, existing),
    )  # fmt: skip
    if plan.old is None:
        return made
    before = {**existing, f"{name}/src.json": plan.old.document(name)}
    return container.warn_of_codec(name, made, before, repository.pool)


def _kept_volumes(plan: Plan, existing: Mapping[str, Value]) -> dict[str, Value]:
    """The volumes that stay: all but the root file system, of which a patch of its own keeps the base."""
    roots = (ROOT_VOLUME, OVERLAY_VOLUME)
    kept = (f"{plan.name}/{ROOT_VOLUME}",) if plan.is_patch and not plan.base else ()
    return {
        path: value
        for path, value in existing.items()
        if path.startswith(kept) or not path.rpartition("/")[2].startswith(roots)
    }


def patches_of(repository: Repository, name: str) -> tuple[str, ...]:
    """The containers that are patches over ``name``."""
    known = worktree.container_names(repository)
    return tuple(other for other in known if worktree.source(repository, other).base == name)


def warn_of_dependants(plan: Plan) -> None:
    """Containers that are patches over this one no longer fit when its root file system changed."""
    if plan.is_new or plan.is_patch:
        return
    for other in patches_of(plan.repository, plan.name):
        plan.request.notify.warn(f"{other} is a patch over {plan.name}: pvr app update {other} --force")


def _described(plan: Plan, described: SourceManifest) -> SourceManifest:
    """A patch keeps the ``docker_digest`` of the root.squashfs; its image's is ``docker_ovl_digest``."""
    if not plan.is_patch:
        return replace(described, overlay_digest=None, verity=_verity(described, overlay=False))
    base = plan.base
    below = worktree.source(plan.repository, base) if base else plan.old
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


def _base_object(plan: Plan) -> str:
    owner = plan.base or plan.name
    object_id = worktree.root(plan.repository, owner)
    if object_id is None:
        raise NotFound(f"{owner} has no {ROOT_VOLUME} to patch", hint="run: pvr checkout")
    return object_id
