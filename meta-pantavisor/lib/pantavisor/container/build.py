# SPDX-License-Identifier: MIT
"""From a tree and a src.json to all paths of a container: squashfs, dm-verity, manifests, LXC
configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Optional

from .. import elf, lxc, manifests, names, squashfs
from ..errors import FormatError, NotFound
from ..layers import Tree
from ..manifests import ContainerSpec, SourceManifest, verity
from ..manifests.spec import LXC_CONFIG, OVERLAY_VOLUME, ROOT_VOLUME
from ..objects import ObjectPool
from ..oci import Platform
from ..state import Value
from . import dm, first_program, mount_points, programs
from .model import Container, PackOptions
from .overlay import difference, overlaid
from .progress import watch_tree

MAX_TABLE_BYTES = 1024 * 1024  # of /etc/passwd and /etc/group


def make(
    name: str,
    tree: Tree,
    source: SourceManifest,
    pool: ObjectPool,
    scratch: Path,
    *,
    options: PackOptions,
    platform: Optional[Platform] = None,
    beside: Optional[Mapping[str, Value]] = None,
) -> Container:
    """Pack ``tree`` into ``pool`` and make the manifests. ``platform``, if known, is held against its first
    program.

    ``beside`` are the container's volumes that are not made here. Raises FormatError.
    """
    spec = _checked_spec(name, source)
    _need_folder(spec, tree)
    packed_for = platform or elf.platform(tree, spec.process.executable)
    root, written = _squash(name, tree, pool, scratch, options=options, platform=packed_for)
    spec = _fitted(spec, tree, platform)
    source = replace(source, packings={ROOT_VOLUME: written.packing.document()})
    if source.rootfs_url:
        source = replace(source, rootfs_digest=f"sha256:{root}")
    files = {**(beside or {}), **_volume_files(name, ROOT_VOLUME, root, source, pool)}
    warnings = _warnings(spec, source, tree, written)
    return _finish(spec, source, files, pool, scratch, options=options, warnings=warnings)


def patch(
    name: str,
    tree: Tree,
    base: str,
    source: SourceManifest,
    pool: ObjectPool,
    scratch: Path,
    *,
    options: PackOptions,
    platform: Optional[Platform] = None,
    beside: Optional[Mapping[str, Value]] = None,
) -> Container:
    """As make, but of ``tree`` only what it has over the squashfs with the object id ``base`` is packed.

    ``beside`` holds that squashfs too, unless it is another container's (``source.base``).

    Raises FormatError.
    """
    tree.load()
    spec = _fitted(_checked_spec(name, source), tree, platform)
    _need_folder(spec, tree)
    layer = difference(squashfs.read(pool.path(base)), tree, mtime=options.mtime)
    packed, written = _squash(name, layer, pool, scratch, options=options, platform=platform)
    kept = (
        {}
        if source.base
        else {volume: note for volume, note in source.packings.items() if volume == ROOT_VOLUME}
    )
    source = replace(source, packings={**kept, OVERLAY_VOLUME: written.packing.document()})
    files = {**(beside or {}), **_volume_files(name, OVERLAY_VOLUME, packed, source, pool)}
    warnings = _warnings(spec, source, tree, written)
    return _finish(spec, source, files, pool, scratch, options=options, warnings=warnings)


def rebuild_manifests(
    name: str,
    source: SourceManifest,
    files: Mapping[str, Value],
    pool: ObjectPool,
    scratch: Path,
    *,
    options: PackOptions,
    base: Optional[str] = None,
) -> Container:
    """Make everything but the volumes, which are ``files``, again from src.json.

    ``base`` is the object id of the root.squashfs of ``source.base``, in which the container's user is
    looked up. Raises FormatError, NotFound.
    """
    spec = ContainerSpec.from_source(name, source)
    if spec.runs:
        tree = visible_root(spec, files, pool, base)
        spec = replace(spec, defaults=manifests.defaults(None)) if tree is None else _with_user(spec, tree)
    return _finish(spec, source, files, pool, scratch, options=options)


def visible_root(
    spec: ContainerSpec, files: Mapping[str, Value], pool: ObjectPool, base: Optional[str]
) -> Optional[Tree]:
    """The root file system as the container sees it; None if it is not here, and the container runs as
    root. Raises NotFound if it does not.
    """
    root = base if spec.base else files.get(f"{spec.name}/{ROOT_VOLUME}")
    patch = files.get(f"{spec.name}/{OVERLAY_VOLUME}") if spec.patched else None
    if root is None or (spec.patched and patch is None):
        if not spec.process.user:
            return None
        # As root it would run, too, and with more rights than its image asks for.
        owner = spec.base if root is None and spec.base else spec.name
        raise NotFound(
            f"the user that {spec.name} runs as is looked up in the squashfs of {owner}, which is not here"
        )
    tree = squashfs.read(pool.path(str(root)))
    return overlaid(tree, squashfs.read(pool.path(str(patch)))) if patch is not None else tree


def _with_user(spec: ContainerSpec, tree: Tree) -> ContainerSpec:
    """The spec with the numbers of its User and its home, looked up in ``tree``.

    What is never started is left as it is.
    """
    if not spec.runs:
        return spec

    def read(path: str) -> Optional[bytes]:
        return tree.head(path, MAX_TABLE_BYTES)

    user = manifests.init_user(spec.process.user, read)
    return replace(spec, user=user, defaults=manifests.defaults(manifests.home(user, read)))


def _checked_spec(name: str, source: SourceManifest) -> ContainerSpec:
    """The container's spec, as far as it can be known without its tree."""
    names.check_container(name)
    return ContainerSpec.from_source(name, source)


def _fitted(spec: ContainerSpec, tree: Tree, platform: Optional[Platform]) -> ContainerSpec:
    """The spec with its user looked up in ``tree``, which was loaded,
    and its first program checked there.
    """
    programs.check(spec, tree)
    mount_points.check(spec, tree)
    if spec.runs and platform is not None:
        elf.check(tree, spec.process.executable, platform, folder=spec.process.folder)
    return _with_user(spec, tree)


def _need_folder(spec: ContainerSpec, tree: Tree) -> None:
    # docker run makes the WorkingDir; LXC does not start what cannot change to it.
    if spec.runs and spec.process.folder:
        tree.need_folder(spec.process.folder)


def _squash(
    name: str,
    tree: Tree,
    pool: ObjectPool,
    scratch: Path,
    *,
    options: PackOptions,
    platform: Optional[Platform],
) -> tuple[str, squashfs.Written]:
    """``tree`` as a squashfs in ``pool``; its object id and what is recorded of it."""
    written = squashfs.write(
        watch_tree(tree, f"packing {name}", options.progress),
        scratch / ROOT_VOLUME,
        profile=squashfs.profile(options.profile, platform),
        library=options.libsquashfs,
        cache=options.cache,
        mtime=options.mtime,
    )
    return pool.put_file(scratch / ROOT_VOLUME, move=True), written


def _volume_files(
    name: str, volume: str, packed: str, source: SourceManifest, pool: ObjectPool
) -> dict[str, Value]:
    """A volume that was just packed, and the small file by which published tools know whether it is older
    than src.json.
    """
    kind, digest = "docker", source.docker_digest
    if volume == OVERLAY_VOLUME:
        digest = source.overlay_digest
    elif source.rootfs_url:
        kind, digest = "rootfs", source.rootfs_digest
    return {
        f"{name}/{volume}": packed,
        f"{name}/{volume}.{kind}-digest": pool.put_bytes((digest or "").encode()),
    }


def _finish(
    spec: ContainerSpec,
    source: SourceManifest,
    files: Mapping[str, Value],
    pool: ObjectPool,
    scratch: Path,
    *,
    options: PackOptions,
    warnings: tuple[str, ...] = (),
) -> Container:
    """Add to the volumes in ``files`` all that is made from src.json."""
    made = dict(files)
    _check_verity(spec)
    made.update(dm.protect(spec.name, spec.verity, files, pool, scratch, recorded=options.verity))
    made[f"{spec.name}/src.json"] = source.document(spec.name)
    made.update(_manifest_files(spec, pool))
    return Container(made, (*warnings, *spec.warnings), _notes(spec))


def _manifest_files(spec: ContainerSpec, pool: ObjectPool) -> dict[str, Value]:
    """run.json and, if anything is started, lxc.container.conf."""
    files: dict[str, Value] = {f"{spec.name}/run.json": manifests.run_manifest(spec)}
    if spec.runs:
        files[f"{spec.name}/{LXC_CONFIG}"] = pool.put_bytes(lxc.render(spec).encode())
    return files


def _check_verity(spec: ContainerSpec) -> None:
    for volume in sorted(spec.verity - mounted(spec)):
        # Its hashes would be made and never used: the device looks at what run.json mounts.
        raise FormatError(
            f"{spec.name} does not mount the volume {volume} that dm-verity should protect",
            hint=f"protect one that it mounts: {', '.join(sorted(mounted(spec)))}",
        )


def mounted(spec: ContainerSpec) -> frozenset[str]:
    """The volumes that the device looks at."""
    run = manifests.run_manifest(spec)
    return frozenset(verity.file_of(volume) for volume in (run["root-volume"], *run["volumes"]))


def _warnings(
    spec: ContainerSpec, source: SourceManifest, tree: Tree, written: squashfs.Written
) -> tuple[str, ...]:
    found = []
    if written.dropped_xattrs:
        dropped = ", ".join(written.dropped_xattrs)
        found.append(f"{spec.name}: squashfs has no place for {dropped}, so these attributes are dropped")
    if tree.left_out:
        marks = ", ".join(tree.left_out)
        found.append(
            f"{spec.name}: the device's overlayfs would obey {marks}, "
            "so these attributes and nodes are dropped"
        )
    doubts = (
        *programs.missing(spec, tree),
        *first_program.doubtful(spec, source),
        *mount_points.doubtful(spec, tree),
    )
    return (*found, *(f"{spec.name}: {text}" for text in doubts))


def _notes(spec: ContainerSpec) -> tuple[str, ...]:
    if not spec.process.unmapped:
        return ()
    return (
        f"{spec.name}: the image's {', '.join(spec.process.unmapped)} cannot be mapped and have no effect",
    )
