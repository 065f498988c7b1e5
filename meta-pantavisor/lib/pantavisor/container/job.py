"""The job of a build: an OCI layout becomes the export of one signed container."""

from __future__ import annotations

from .. import atomic, export, jobs, keys, layout, pvs
from ..manifests import SourceManifest
from ..manifests.spec import ROOT_VOLUME
from ..objects import ObjectPool
from ..oci import Platform
from ..ref import ImageSource
from ..state import State
from . import sources
from .making import make
from .model import Engine


def export_container(job: jobs.ExportContainer) -> tuple[str, ...]:
    """Write the signed export of one container; returns warnings."""
    signer = keys.PemSigner.load(job.signing.key, job.signing.x5c)
    wanted = SourceManifest(
        arguments=job.arguments,
        config=job.image_config or {},
        persistence=sources.persistence(job.volumes),
        verity={ROOT_VOLUME: True} if job.verity else {},
    )
    with layout.open_image(job.layout, Platform.parse(job.platform)) as image, atomic.scratch(job.work) as folder:
        source = sources.image_manifest(ImageSource.parse(f"docker://{job.reference}"), image, wanted)
        pool = ObjectPool(folder / "objects")
        made = make(
            job.name,
            sources.image_tree(job.name, image),
            source,
            pool,
            folder,
            engine=Engine(job.profile, job.libsquashfs),
            platform=image.config.platform,
        )
        state = State.empty().with_files(made.files)
        state = keys.sign_state(state, job.name, pvs.container_selection(job.name), signer)
        export.write(job.output, state, pool)
    return made.warnings
