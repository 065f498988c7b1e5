# SPDX-License-Identifier: MIT
"""A source becomes a container of the working tree: an image, a root file system, or a part of another
state.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from .. import manifests, names
from ..container import Container, config_overlay, part_copy, rootfs
from ..manifests import ContainerSpec
from ..manifests.spec import ROOT_VOLUME
from ..ref import ImageSource
from ..repo import Repository
from . import fetch, patch, plan, worktree
from .plan import Plan, Unchanged
from .request import AppRequest, Made, PartSource, RootfsSource


def add(repository: Repository, request: AppRequest) -> Made:
    """Make a container of the working tree, from its source alone.

    Raises PantavisorError for what exists already, FormatError, NotFound and LimitError for a source or a
    change that cannot be used, and what ``registry`` raises.
    """
    return _run(plan.of_new(repository, request))


def update(repository: Repository, request: AppRequest) -> Made:
    """Make a container again from its source's newest version; what the request leaves out stays as it is.

    Raises as ``add``; NotFound where there is no such container.
    """
    return _run(plan.of_existing(repository, request))


def _run(planned: Plan) -> Made:
    patch.check(planned)
    if planned.request.config_overlay is not None:
        config_overlay.check(planned.request.config_overlay)  # before anything is fetched
    fetch.check_credentials(planned.source, planned.request.credentials)
    if not isinstance(planned.source, PartSource):
        _check(planned)
    try:
        with worktree.scratch(planned.repository) as folder:
            made, origin = _make(planned, folder)
            _write(planned, made)
    except Unchanged as unchanged:
        return Made(planned.name, str(unchanged), changed=False)
    patch.warn_of_dependants(planned)
    return Made(planned.name, origin)


def _write(planned: Plan, made: Container) -> None:
    repository, name, request = planned.repository, planned.name, planned.request
    gone: set[str] = set()
    if request.config_overlay is not None:
        base = worktree.root(repository, planned.base) if planned.base else None
        made = config_overlay.lay(request.config_overlay, name, made, repository.pool, base=base)
        head = names.overlay_folder(name)
        gone = {path for path in worktree.paths(repository, name) if path.startswith(head)}
    worktree.write(repository, name, made, request.notify, new=planned.is_new, gone=gone)


def _make(planned: Plan, folder: Path) -> tuple[Container, str]:
    if isinstance(planned.source, ImageSource):
        return _from_image(planned, planned.source, folder)
    if isinstance(planned.source, RootfsSource):
        return _from_rootfs(planned, planned.source, folder)
    return _from_part(planned, planned.source, folder)


def _check(planned: Plan) -> None:
    """Raise for what the manifests would refuse, before anything is fetched."""
    spec = ContainerSpec.from_source(planned.name, planned.wanted)
    worktree.check_device(planned.repository, planned.name, manifests.run_manifest(spec))


def _from_image(planned: Plan, source: ImageSource, folder: Path) -> tuple[Container, str]:
    request, old = planned.request, planned.old
    platform = fetch.platform(request.platform, old)
    before = (old.overlay_digest or old.docker_digest) if old else None
    if old is not None:
        planned.expect_change(fetch.remote_digest(source, platform, request), before)
    with fetch.opened(source, platform, folder, request) as image:
        described = rootfs.image_manifest(source, image, planned.wanted, container=planned.name)
        digest = described.docker_digest
        planned.expect_change(digest, before)
        tree = rootfs.image_tree(planned.name, image, planned.options)
        made = patch.make(planned, tree, described, image.config.platform, folder)
    return made, str(digest)


def _from_rootfs(planned: Plan, source: RootfsSource, folder: Path) -> tuple[Container, str]:
    changes, old = planned.request.changes, planned.old
    # What an image states of itself is given by the request here,
    # and so is recorded where an image's would be.
    config = {**(old.image_config if old else {}), **changes.config}
    described = rootfs.rootfs_manifest(
        source.path, config, planned.wanted if old else replace(planned.wanted, config={})
    )
    runs = ContainerSpec.from_source(planned.name, described).runs
    tree = rootfs.rootfs_tree(source.path, structural=runs)
    made = patch.make(planned, tree, described, planned.request.platform, folder)
    digest = f"sha256:{made.files[f'{planned.name}/{ROOT_VOLUME}']}"
    planned.expect_change(digest, old.rootfs_digest if old else None)
    return made, f"{described.rootfs_url}, packed as {digest}"


def _from_part(planned: Plan, source: PartSource, folder: Path) -> tuple[Container, str]:
    repository, old = planned.repository, planned.old
    taken = part_copy.copy_part(source.path, source.part, repository.pool)
    planned.expect_change(taken.digest, old.pvr_digest if old else None)
    own, left_out = part_copy.own_files(taken)
    if left_out:
        # Another's word for more than the container must not bring that along; without it, it is void.
        taken = own
        planned.request.notify.warn(f"{left_out[0]}, which is dropped: sign {planned.name} again")
    changes = planned.request.changes
    if old is not None:
        # Where its data lies is the device's matter; all else follows the part.
        changes = replace(changes, persistence={**old.persistence, **changes.persistence})
    recorded = {**part_copy.recorded_verity(taken), **(planned.options.verity or {})}
    made = part_copy.make(
        planned.name, taken, changes, repository.pool, folder,
        options=replace(planned.options, verity=recorded), find_root=partial(worktree.root, repository),
    )  # fmt: skip
    worktree.check_device(repository, planned.name, made.files[f"{planned.name}/run.json"])
    return made, f"{taken.origin} ({taken.digest})"
