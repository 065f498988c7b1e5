"""A container of the state from an image: root file system, manifests and LXC configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from . import atomic, elf, export, jobs, keys, layers, layout, lxc, manifests, names, pvs, squashfs
from .manifests import SourceManifest
from .objects import ObjectPool
from .oci import Platform
from .ref import ImageSource
from .state import State, Value

ROOT = manifests.spec.ROOT_VOLUME
MAX_TABLE_BYTES = 1024 * 1024  # of /etc/passwd and /etc/group


@dataclass(frozen=True)
class Container:
    """The paths of a container, and what of its image could not be mapped."""

    files: Mapping[str, Value]
    warnings: tuple[str, ...]


def build(
    name: str,
    image: layout.OciImage,
    source: SourceManifest,
    pool: ObjectPool,
    scratch: Path,
    *,
    profile: str,
    libsquashfs: Optional[str] = None,
    progress: Optional[Callable[[int, int], None]] = None,
) -> Container:
    """Flatten ``image`` into ``pool`` and make the manifests. ``source`` says where it came from and what is wanted."""
    names.check_container(name)
    source = replace(source, image_config=dict(image.config.config))
    spec = manifests.ContainerSpec.from_source(name, source)
    tree = layers.flatten(image.layers)
    if spec.runs:
        elf.check(tree, spec.process.executable, image.config.platform)
    spec = replace(spec, user=manifests.init_user(spec.process.user, lambda path: tree.head(path, MAX_TABLE_BYTES)))
    squashfs.write(tree, scratch / ROOT, profile=squashfs.profile(profile, image.config.platform), library=libsquashfs)
    files: dict[str, Value] = {
        f"{name}/{ROOT}": pool.put_file(scratch / ROOT, move=True),
        f"{name}/{ROOT}.docker-digest": pool.put_bytes((source.docker_digest or "").encode()),
        f"{name}/src.json": source.document(name),
        **manifest_files(spec, pool),
    }
    return Container(files, _warnings(spec))


def manifest_files(spec: manifests.ContainerSpec, pool: ObjectPool) -> dict[str, Value]:
    """run.json and, if anything is started, lxc.container.conf."""
    files: dict[str, Value] = {f"{spec.name}/run.json": manifests.run_manifest(spec)}
    if spec.runs:
        files[f"{spec.name}/{manifests.spec.LXC_CONFIG}"] = pool.put_bytes(lxc.render(spec).encode())
    return files


def source_manifest(
    source: ImageSource,
    image: layout.OciImage,
    *,
    arguments: Mapping[str, Any],
    config: Mapping[str, Any],
    volumes: tuple[str, ...],
) -> SourceManifest:
    """src.json of a container from ``source``, of which only a name is recorded, never a path of the building host."""
    parsed = [manifests.Volume.parse(text) for text in volumes]
    digest, ref = str(image.manifest_digest), source.ref
    return SourceManifest(
        arguments=arguments,
        config=config,
        persistence={
            volume.source_name: volume.persistence + (f"@{volume.disk}" if volume.disk else "") for volume in parsed
        },
        docker_name=ref.name if ref else None,
        docker_tag=ref.tag if ref else None,
        docker_digest=f"{ref.name}@{digest}" if ref else digest,
        docker_source="remote" if ref else "local",
        docker_platform=str(image.config.platform),
    )


def export_container(job: jobs.ExportContainer) -> tuple[str, ...]:
    """Write the signed export of one container; returns warnings."""
    signer = keys.PemSigner.load(job.signing.key, job.signing.x5c)
    with layout.open_image(job.layout, Platform.parse(job.platform)) as image, atomic.scratch(job.work) as folder:
        source = source_manifest(
            ImageSource.parse(f"docker://{job.reference}"),
            image,
            arguments=job.arguments,
            config=job.image_config or {},
            volumes=job.volumes,
        )
        pool = ObjectPool(folder / "objects")
        made = build(
            job.name, image, source, pool, folder, profile=job.profile, libsquashfs=job.libsquashfs
        )
        state = State.empty().with_files(made.files)
        state = keys.sign_state(state, job.name, pvs.container_selection(job.name), signer)
        export.write(job.output, state, pool)
    return made.warnings


def _warnings(spec: manifests.ContainerSpec) -> tuple[str, ...]:
    if not spec.process.unmapped:
        return ()
    return (f"{spec.name}: the image's {', '.join(spec.process.unmapped)} cannot be mapped and have no effect",)

