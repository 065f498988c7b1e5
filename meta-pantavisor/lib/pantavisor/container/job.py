# SPDX-License-Identifier: MIT
"""The job of a build: an OCI layout or a root file system becomes the export of one container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Optional

from .. import atomic, export, jobs, keys, layout, pvs
from ..errors import FormatError, PantavisorError
from ..layers import Tree
from ..manifests import SourceManifest
from ..manifests.spec import ROOT_VOLUME
from ..objects import ScratchPool
from ..oci import Platform
from ..ref import ImageSource
from ..state import State, Value
from . import rootfs
from .build import make
from .codec_change import warn_of_codec
from .model import Container, PackOptions


def export_container(job: jobs.ExportContainer, *, pin: Optional[str] = None) -> Container:
    """Write the export of one container, signed if the job names what signs; returns it for its warnings
    and notes. ``pin`` is a token's.

    Raises FormatError.
    """
    signer = keys.job_signer(job.signing, pin=pin) if job.signing else None
    wanted = SourceManifest(
        arguments=job.arguments,
        config=job.image_config or {},
        logs=None if job.logs is None else list(job.logs),
        exports=None if job.exports is None else list(job.exports),
        persistence=rootfs.persistence(job.volumes),
        verity={ROOT_VOLUME: True} if job.verity else {},
    )
    with _content(job, wanted) as (tree, source, platform), atomic.scratch(job.work) as folder:
        pool = ScratchPool(folder / "objects")
        made = make(
            job.name,
            tree,
            source,
            pool,
            folder,
            options=PackOptions(job.profile, job.libsquashfs, job.epoch),
            platform=platform,
        )
        made = warn_of_codec(job.name, made, _before(job), pool)
        state = State.empty().with_files(made.files)
        if signer is not None:
            state = keys.sign_state(state, job.name, pvs.part_selection(job.name), signer)
        export.write(job.output, state, pool)
    return made


@contextmanager
def _content(
    job: jobs.ExportContainer, wanted: SourceManifest
) -> Iterator[tuple[Tree, SourceManifest, Platform]]:
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
        yield rootfs.image_tree(job.name, image), manifest, image.config.platform


def _before(job: jobs.ExportContainer) -> Mapping[str, Value]:
    """The state of the earlier build, as far as there is one:
    whatever lies there cannot stop this build.
    """
    try:
        return export.read_state(job.before) if job.before else {}
    except (PantavisorError, OSError):
        return {}
