# SPDX-License-Identifier: MIT
"""A directory as a container's config overlay: files that the device lays over its root file system, each
0:0 and 0644, since a state has no modes, owners or links.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from .. import names
from ..errors import FormatError, NotFound
from ..manifests import ContainerSpec, SourceManifest
from ..objects import ObjectPool
from ..repo.working_tree import WorkingTree
from ..state import Value
from . import laid_over
from .build import visible_root
from .model import Container

EXECUTABLE = 0o111


def lay(
    folder: Path, name: str, made: Container, pool: ObjectPool, *, base: Optional[str] = None
) -> Container:
    """``made`` with the files of ``folder``, held against its root file system; ``base`` is that of
    rebuild_manifests.

    Raises NotFound, FormatError and LimitError.
    """
    files, warnings = read(folder, name, pool)
    document = made.files.get(f"{name}/src.json")
    if isinstance(document, Mapping):
        spec = ContainerSpec.from_source(name, SourceManifest.parse(document))
        tree = visible_root(spec, made.files, pool, base)
        if tree is not None:
            paths = [path.removeprefix(names.overlay_folder(name)) for path in files]
            laid_over.check(spec, tree, paths)
            doubts = (f"{name}: {text}" for text in laid_over.doubtful(spec, tree, paths))
            warnings = (*warnings, *doubts)
    return made.overlaid(files, warnings)


def read(folder: Path, name: str, pool: ObjectPool) -> tuple[dict[str, Value], tuple[str, ...]]:
    """The paths of the overlay that ``folder`` holds, their content put into ``pool``, and warnings.

    Raises NotFound, FormatError and LimitError.
    """
    check(folder)
    tree = WorkingTree(folder)
    paths = tree.files()
    programs = [path for path in paths if (folder / path).stat().st_mode & EXECUTABLE]
    warnings = tuple(
        f"{name}: {path} of its config overlay may not be executed on the device, where its files are "
        "0644; put programs into the image"
        for path in programs[:1]
    )
    return {names.overlay_folder(name) + path: tree.put(path, pool) for path in paths}, warnings


def check(folder: Path) -> None:
    """Raise NotFound or FormatError for what is not an overlay."""
    if not folder.is_dir():
        raise NotFound(f"the config overlay {folder} is not a directory", hint="name a directory of files")
    if not WorkingTree(folder).files():
        raise FormatError(f"the config overlay {folder} holds no file", hint="put files into it")
    _need_plain(folder)


def _need_plain(folder: Path) -> None:
    for parent, folders, files in os.walk(folder):
        for path in (Path(parent, entry) for entry in (*folders, *files)):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise FormatError(
                    f"{path.relative_to(folder)} of the config overlay {folder} is not a plain file",
                    hint="replace it by a file: a state holds no links and no devices",
                )
