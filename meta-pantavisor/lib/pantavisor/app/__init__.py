# SPDX-License-Identifier: MIT
"""Containers of a repository's working tree: add, update, install again, protect and remove them.

    made = app.add(repository, app.AppRequest("web", app.ImageSource.parse("nginx:1.27")))

    request    what a caller wants, as values
    plan       the request with what the repository has
    fetch      images, from wherever they are
    add        a source becomes files of the tree
    patch      only what it has over another root.squashfs
    install    containers that exist already
    worktree   containers as they are on disk

Nothing is committed. After an error the working tree is as it was.
"""

from __future__ import annotations

from ..manifests import SourceChanges
from ..ref import ImageSource
from .add import add, update
from .install import install, protect, protected, remove
from .plan import check_kind
from .request import AppRequest, Made, Notify, PartSource, RootfsSource, Source
from .worktree import container_names, kind, source

__all__ = [
    "AppRequest",
    "ImageSource",
    "Made",
    "Notify",
    "PartSource",
    "RootfsSource",
    "Source",
    "SourceChanges",
    "add",
    "check_kind",
    "container_names",
    "install",
    "kind",
    "protect",
    "protected",
    "remove",
    "source",
    "update",
]
