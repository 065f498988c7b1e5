# SPDX-License-Identifier: MIT
"""The job of a build: an OCI layout, a root file system or a part of another state becomes the export of
one container.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Optional

from .. import atomic, export, jobs, keys, layout, pvs
from ..cache import Cache
from ..errors import FormatError, PantavisorError
from ..layers import Tree
from ..manifests import SourceChanges, SourceManifest, persistence, services_manifest
from ..manifests.spec import ROOT_VOLUME
from ..objects import ObjectPool, ScratchPool
from ..oci import Platform
from ..ref import ImageSource
from ..state import State, Value
from . import rootfs
from .build import make
from .codec_change import warn_of_codec
from .model import Container, PackOptions


def export_container(
    job: jobs.ExportContainer, *, pin: Optional[str] = None, cache: Optional[Cache] = None
) -> Container:
    """Write the export of one container, signed if the job names what signs; returns it for its warnings
    and notes. ``pin`` is a token's, ``cache`` saves time.

    Raises FormatError.
    """
    signer = keys.job_signer(job.signing, pin=pin) if job.signing else None
    with atomic.scratch(job.work) as folder:
        pool = ScratchPool(folder / "objects")
        options = PackOptions(job.profile, job.libsquashfs, job.epoch, cache=cache)
        make_container = _from_part if job.part else _from_image
        made = make_container(job, pool, folder, options)
        made = _overlaid(job, warn_of_codec(job.name, made, _earlier_state(job), pool), pool)
        state = State.empty().with_files({**made.files, **_services(job)})
        if signer is not None:
            state = keys.sign_state(state, job.name, pvs.part_selection(job.name), signer)
        export.write(job.output, state, pool)
    return made


def _from_image(
    job: jobs.ExportContainer, pool: ObjectPool, folder: Path, options: PackOptions
) -> Container:
    with _content(job, SourceManifest().changed_by(_changes(job)), options) as (tree, source, platform):
        return make(job.name, tree, source, pool, folder, options=options, platform=platform)


def _changes(job: jobs.ExportContainer) -> SourceChanges:
    return SourceChanges(
        arguments=job.arguments,
        config=job.image_config or {},
        logs=None if job.logs is None else list(job.logs),
        exports=None if job.exports is None else list(job.exports),
        persistence=persistence(job.volumes),
        verity={ROOT_VOLUME: True} if job.verity else {},
    )


def _from_part(
    job: jobs.ExportContainer, pool: ObjectPool, folder: Path, options: PackOptions
) -> Container:
    """A container that is there already, with what the job changes."""
    # Most containers are made from images: starting must stay quick.
    from . import part_copy

    if job.part is None or job.layout is not None or job.rootfs is not None:
        raise FormatError("the job names more than one source")
    taken = part_copy.copy_part(job.part, job.part_name, pool, prefer=job.name)
    # The build signs it, and must not sign what else another's signature covers.
    own, left_out = part_copy.own_files(taken)
    made = part_copy.make(
        job.name, own, _changes(job), pool, folder, options=options, find_root=lambda name: None
    )
    return replace(made, warnings=(*left_out, *made.warnings))


def _services(job: jobs.ExportContainer) -> dict[str, Value]:
    """The services that the container offers, which its src.json does not have."""
    if job.services is None:
        return {}
    offered = job.services.get("services") if isinstance(job.services, dict) else job.services
    return {f"{job.name}/services.json": services_manifest(offered)}


def _overlaid(job: jobs.ExportContainer, made: Container, pool: ObjectPool) -> Container:
    if job.config_overlay is None:
        return made
    from . import config_overlay

    return config_overlay.lay(job.config_overlay, job.name, made, pool)


@contextmanager
def _content(
    job: jobs.ExportContainer, wanted: SourceManifest, options: PackOptions
) -> Iterator[tuple[Tree, SourceManifest, Platform]]:
    if job.platform is None:
        raise FormatError("the job names no platform")
    platform = Platform.parse(job.platform)
    if job.rootfs is not None and job.layout is None:
        manifest = rootfs.rootfs_manifest(job.rootfs, job.image_config, replace(wanted, config={}))
        yield rootfs.rootfs_tree(job.rootfs, structural=True), manifest, platform
        return
    if job.layout is None or job.rootfs is not None or job.reference is None:
        raise FormatError("the job must name a layout and its reference, or a root file system alone")
    with layout.open_image(job.layout, platform) as image:
        reference = ImageSource.parse(f"docker://{job.reference}")
        manifest = rootfs.image_manifest(reference, image, wanted, container=job.name)
        yield rootfs.image_tree(job.name, image, options), manifest, image.config.platform


def _earlier_state(job: jobs.ExportContainer) -> Mapping[str, Value]:
    """The state of the earlier build, as far as there is one:
    whatever lies there cannot stop this build.
    """
    try:
        return export.read_state(job.before) if job.before else {}
    except (PantavisorError, OSError):
        return {}
