# SPDX-License-Identifier: MIT
"""A container of the state: root file system, manifests and LXC configuration, from whatever it is made.

rootfs.py        images, directories and tarballs as trees, and what src.json records of them
build.py         tree and src.json -> the container's paths
dm.py            dm-verity of its volumes
overlay.py       one tree over another: patches, and back
codec_change.py  what another codec library changes
part_copy.py     parts of other states, renamed
job.py           the job of a build
progress.py      long work, counted
model.py         what goes in and comes out
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
