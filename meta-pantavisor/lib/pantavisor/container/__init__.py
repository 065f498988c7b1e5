# SPDX-License-Identifier: MIT
"""A container of the state: root file system, manifests and LXC configuration, from whatever it is made.

sources.py    images, directories and tarballs as trees, and what src.json records of them
making.py     tree and src.json -> the container's paths     dm.py   dm-verity of its volumes
difference.py one tree over another: patches     overlaid.py   and back
parts.py      parts of other states, renamed      repacking.py   what another codec library changes
watching.py   progress        model.py   what goes in and comes out        job.py   the job of a build
"""

from __future__ import annotations

from .job import export_container
from .making import again, make, mounted, patch
from .model import Container, PackOptions, Progress, silent
from .repacking import warn_of_codec

__all__ = [
    "Container",
    "PackOptions",
    "Progress",
    "again",
    "export_container",
    "make",
    "mounted",
    "patch",
    "silent",
    "warn_of_codec",
]
