# SPDX-License-Identifier: MIT
"""Where states come from: repositories, unpacked exports, export files."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from .. import beneath, cjson, export, names
from ..errors import FormatError, NotFound
from ..objects import ObjectPool, ScratchPool, SharedPool
from ..state import MAX_BYTES, State, Value
from .filter import StateSource
from .own_folder import FOLDER

Opener = Callable[[StateSource], AbstractContextManager[tuple[State, ObjectPool]]]


@contextmanager
def open_local(source: StateSource) -> Iterator[tuple[State, ObjectPool]]:
    """As opened(). Raises NotFound for what is in the network, which who calls us may know to open."""
    if source.url:
        hint = "run: pvr clone, and take it from there"
        raise NotFound(f"{source.url[:200]} is in the network", hint=hint)
    with opened(source.path) as found:
        yield found


@contextmanager
def opened(source: Path) -> Iterator[tuple[State, ObjectPool]]:
    """State and objects of a repository, of its ``.pvr`` folder, of an unpacked export,
    or of an export file.

    Raises NotFound, FormatError.
    """
    if source.is_file():
        with tempfile.TemporaryDirectory(prefix="pvr-") as folder:
            pool = ScratchPool(Path(folder) / "objects")
            yield export.read(source, pool), pool
    elif (source / FOLDER / "json").is_file():
        yield _read(source / FOLDER, source)
    elif (source / "json").is_file():
        yield _read(source, source.absolute().parent)
    elif "://" in str(source) or re.match(r"https?:/", str(source)):
        address = re.sub(r":/+", "://", str(source), count=1)  # a path has lost a slash
        raise NotFound(
            f"{address} is in the network", hint="fetch the export first; sources are files and directories"
        )
    elif not source.exists():
        raise NotFound(f"{source} does not exist", hint="name a repository or an export")
    else:
        raise NotFound(
            f"{source} is neither a repository nor an export",
            hint="to make an export, run: pvr export FILE.tgz",
        )


def own_pool(root: Path, config: Mapping[str, Value]) -> ObjectPool:
    """The pool that the ``config`` of the repository at ``root`` names, to write into.
    Raises FormatError.
    """
    path = Path(os.path.normpath(_pool_path(root / FOLDER, root, config)))
    inside = os.path.commonpath([path, root]) == str(root) and path != root
    return ObjectPool(path, above=root) if inside else SharedPool(path)


def _pool_path(folder: Path, root: Path, config: Mapping[str, Value]) -> Path:
    """A relative name starts at ``root``."""
    objects = config.get("ObjectsDir")
    if isinstance(objects, str) and ("\0" in objects or not names.has_bytes(objects)):
        raise FormatError(f"{folder / 'config'}: ObjectsDir is not a path")
    return root / objects if isinstance(objects, str) and objects else folder / "objects"


def _read(folder: Path, root: Path) -> tuple[State, ObjectPool]:
    text = beneath.read(folder, "json", limit=MAX_BYTES)
    config = beneath.read(folder, "config", limit=MAX_BYTES) if (folder / "config").exists() else b"{}"
    settings = cjson.load_object(config, what=str(folder / "config"))
    return State.parse(text, what=str(folder / "json")), ObjectPool(_pool_path(folder, root, settings))
