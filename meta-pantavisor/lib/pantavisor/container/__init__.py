# SPDX-License-Identifier: MIT
"""A container of the state: root file system, manifests and LXC configuration, from whatever it is made.

rootfs           images, directories and tarballs as trees, and what src.json records of them
build            tree and src.json -> the container's paths
programs         whether its programs can start
first_program    whether its command does what its author thinks
mount_points     whether its volumes can be mounted, and its user can write there
dm               dm-verity of its volumes
overlay          one tree over another: patches, and back
config_overlay   files that the device lays over its root file system
laid_over        what these hide of it, and what hides them
codec_change     what another codec library changes
part_copy        parts of other states, renamed
job              the job of a build
progress         long work, counted
model            what goes in and comes out
"""

from __future__ import annotations

from .build import make, mounted, patch, rebuild_manifests
from .codec_change import warn_of_codec
from .job import export_container
from .model import Container, PackOptions, Progress, ignore_progress

__all__ = [
    "Container",
    "PackOptions",
    "Progress",
    "rebuild_manifests",
    "export_container",
    "make",
    "mounted",
    "patch",
    "ignore_progress",
    "warn_of_codec",
]
