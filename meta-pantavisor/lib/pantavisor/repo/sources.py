"""Where states come from: repositories, unpacked exports, export files."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import cjson, export, names
from ..errors import FormatError, NotFound
from ..objects import ObjectPool, ScratchPool
from ..state import State
from .tree import FOLDER


@contextmanager
def opened(source: Path) -> Iterator[tuple[State, ObjectPool]]:
    """State and objects of a repository, of its ``.pvr`` folder, of an unpacked export, or of an export file."""
    if source.is_file():
        with tempfile.TemporaryDirectory(prefix="pvr-") as folder:
            pool = ScratchPool(Path(folder) / "objects")
            yield export.read(source, pool), pool
    elif (source / FOLDER / "json").is_file():
        yield _read(source / FOLDER, source)
    elif (source / "json").is_file():
        yield _read(source, source.absolute().parent)
    elif "://" in str(source) or re.match(r"https?:/", str(source)):
        raise NotFound(f"{source} is in the network", hint="fetch the export first; sources are files and directories")
    elif not source.exists():
        raise NotFound(f"{source} does not exist", hint="name a repository or an export")
    else:
        raise NotFound(f"{source} is neither a repository nor an export", hint="an export is made by: pvr export FILE.tgz")


def pool_path(folder: Path, root: Path) -> Path:
    """The pool that the repository folder's ``config`` names; a relative name starts at ``root``."""
    path = folder / "config"
    config = cjson.load_object(path.read_bytes(), what=str(path)) if path.is_file() else {}
    objects = config.get("ObjectsDir")
    if isinstance(objects, str) and ("\0" in objects or not names.has_bytes(objects)):
        raise FormatError(f"{path}: ObjectsDir is no path")
    return root / objects if isinstance(objects, str) and objects else folder / "objects"


def _read(folder: Path, root: Path) -> tuple[State, ObjectPool]:
    text = (folder / "json").read_bytes()
    return State.parse(text, what=str(folder / "json")), ObjectPool(pool_path(folder, root))
