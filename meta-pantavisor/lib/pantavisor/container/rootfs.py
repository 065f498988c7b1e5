# SPDX-License-Identifier: MIT
"""Where root file systems come from, and what of it src.json records: names and digests, never a path of
this host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from .. import layers, layout, squashfs
from ..errors import FormatError, NotFound
from ..layers import Tree
from ..manifests import SourceManifest
from ..ref import DEFAULT_TAG, ImageSource, Ref, is_tag
from .model import PackOptions
from .progress import watch_layers

HOSTS = b"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def image_manifest(
    source: ImageSource, image: layout.OciImage, wanted: SourceManifest, *, container: str
) -> SourceManifest:
    """``wanted`` of ``container`` with the image's origin and config."""
    name, tag = _name_and_tag(source, image, container)
    return replace(
        wanted,
        image_config=dict(image.config.config),
        docker_name=name,
        docker_tag=tag,
        docker_digest=image_digest(source, str(image.manifest_digest)),
        docker_source="remote" if source.ref else "local",
        docker_platform=str(image.config.platform),
    )


def _name_and_tag(source: ImageSource, image: layout.OciImage, container: str) -> tuple[str, Optional[str]]:
    """Name and tag of an image: of the registry's, else what it is called where it lies, else the
    container's name.

    The published tool installs no container without them.
    """
    if source.ref:
        return source.ref.name, source.ref.tag
    words = list(filter(None, [source.name, *image.names]))
    for word in words:
        # In a layout "1.27" is a tag, and no image of that name.
        if "/" in word or ":" in word:
            try:
                ref = Ref.parse(word)
            except FormatError:
                continue
            return ref.name, ref.tag or DEFAULT_TAG
    tag = next((word for word in words if is_tag(word)), DEFAULT_TAG)
    return container.lower(), tag


def image_digest(source: ImageSource, digest: str) -> str:
    """``docker_digest`` of src.json: with its name where a registry knows it."""
    return f"{source.ref.name}@{digest}" if source.ref else digest


def image_tree(name: str, image: layout.OciImage, options: PackOptions) -> Tree:
    """The image's tree, whose layers are read when its contents are. Docker run puts its own /etc/hosts
    into containers, so few images have one.
    """
    watched = watch_layers(image.layers, f"packing {name}", options.progress)
    return layers.LayeredTree(watched, files={"etc/hosts": HOSTS}, known=_known_layers(options))


def _known_layers(options: PackOptions) -> Optional[layers.KnownLayers]:
    profile = squashfs.profile(options.profile, None)
    # Without packed blocks they would have to be unpacked all the same.
    if options.cache is None or profile.is_quick:
        return None
    return layers.KnownLayers(options.cache, profile.block_bytes)


def rootfs_manifest(
    path: Path, config: Optional[Mapping[str, Any]], wanted: SourceManifest
) -> SourceManifest:
    """``wanted`` with a root file system's origin, as far as it may be recorded, and ``config`` as its
    image config.

    Without an Entrypoint or Cmd there, /sbin/init is started.
    """
    return replace(wanted, image_config=dict(config or {}), rootfs_url=path.absolute().name)


def _check_rootfs(path: Path, tree: Tree) -> None:
    """Raise for the container image in place of what is in it: it would be packed, and start nothing."""
    entries = tree.root.entries.keys()
    listing = next((name for name in (b"index.json", b"manifest.json") if name in entries), None)
    if listing is not None and not entries & {b"bin", b"sbin", b"usr", b"etc"}:
        oci = "oci" if path.is_dir() else "oci-archive"
        transport = oci if listing == b"index.json" else "docker-archive"
        raise FormatError(
            f"{path} is not a root file system but a container image",
            hint=f"leave out --type: --from {transport}:{path}",
        )


def rootfs_tree(path: Path, *, structural: bool) -> Tree:
    """The tree of a directory, everything owned by root, or of a tarball (plain, gzip, xz, zstd or bzip2)
    as it is.

    Who built a directory does not matter on the device; files of other owners need a tarball, which states
    so. ``structural`` adds the mount points that a running container must have. Raises NotFound,
    FormatError, LimitError.
    """
    if path.is_dir():
        tree = layers.from_directory(path)
    elif path.is_file():
        tree = layers.from_tar(lambda: open(path, "rb"), what=path.name)
    else:
        raise NotFound(f"{path} is neither a directory nor a tarball")
    _check_rootfs(path, tree)
    if structural:
        tree.add_missing(layers.STRUCTURAL)
    return tree
