# SPDX-License-Identifier: MIT
"""What is inside the squashfs images of a part: its root file system, volumes, the bsp's modules."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Optional

from .. import layers, squashfs
from ..container.overlay import overlaid
from ..digest import is_object_id
from ..errors import FormatError, PantavisorError
from ..layers.stream import Span
from ..layers.tree import Stored
from ..manifests.spec import OVERLAY_VOLUME, ROOT_VOLUME
from ..packages import Collector, Inventory, limit_of, may_be_go
from ..readers import Opened
from ..state import State

SUFFIX = ".squashfs"
MAX_READ_BYTES = 1024 * 1024 * 1024  # of the files in one file system that list packages
MAX_PROGRAMS = 10_000  # that are looked into in one file system
WINDOW_BYTES = 256 * 1024  # read at once of a program that is looked into
Digest = tuple[object, ...]


def volumes(state: State, part: str) -> dict[str, tuple[str, ...]]:
    """The file systems of a part: its path in the state, and the ids of the objects that it is made of: two
    where a patch is laid over a root file system.
    """
    found: dict[str, tuple[str, ...]] = {
        path: (str(value),)
        for path, value in state.items()
        if path.startswith(f"{part}/") and path.endswith(SUFFIX) and is_object_id(value)
    }
    root, patch = f"{part}/{ROOT_VOLUME}", f"{part}/{OVERLAY_VOLUME}"
    if root in found and patch in found:
        found[root] += found.pop(patch)
    return found


class Inventories:
    """The packages in the parts of an open target; each file system is read once."""

    def __init__(self, found: Opened) -> None:
        self._found = found
        self._known: dict[tuple[object, ...], Inventory] = {}

    def of(self, state: State, part: str) -> Optional[Inventory]:
        """What all file systems of a part hold, or None where it has none."""
        images = tuple(volumes(state, part).items())
        if not images:
            return None
        if images not in self._known:
            self._known[images] = self._read(images)
        return self._known[images]

    def _read(self, images: tuple[tuple[str, tuple[str, ...]], ...]) -> Inventory:
        collector = Collector()
        for path, object_ids in images:
            try:
                with tree(self._found, object_ids) as root:
                    _collect(root, collector)
            except PantavisorError as error:
                collector.note(f"{path} is not read: {error.message}")
        return collector.inventory()


@contextmanager
def tree(found: Opened, object_ids: tuple[str, ...]) -> Iterator[layers.Tree]:
    """A file system of an open target; its files can be read within the block. Raises FormatError."""
    with ExitStack() as stack:
        trees = [squashfs.read(stack.enter_context(_copied(found, name))) for name in object_ids]
        yield trees[0] if len(trees) == 1 else overlaid(*trees)


@contextmanager
def _copied(found: Opened, object_id: str) -> Iterator[Path]:
    """An object as a file of this host, in which places can be looked up."""
    if object_id not in found.objects:
        raise FormatError("the object is missing")
    with tempfile.NamedTemporaryFile(prefix="pvr-") as copy:
        for chunk in found.objects[object_id]():
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


def _collect(root: layers.Tree, collector: Collector) -> None:
    listed: dict[int, str] = {}
    programs: set[int] = set()
    wanted: dict[int, list[layers.File]] = {}
    left = MAX_READ_BYTES
    for name, node in root.walk():
        if not isinstance(node, layers.File) or not isinstance(node.content, Stored):
            continue
        path = name.decode("utf-8", "backslashreplace")
        left -= min(node.size, limit_of(path))
        if left < 0:
            raise FormatError(f"more than {MAX_READ_BYTES} bytes would have to be read")
        if limit_of(path) and id(node) not in listed:
            listed[id(node)] = path
            wanted.setdefault(node.content.source, []).append(node)
        elif may_be_go(path, node.size, node.metadata.mode) and id(node) not in programs:
            programs.add(id(node))
            if len(programs) > MAX_PROGRAMS:
                raise FormatError(f"it has more than the {MAX_PROGRAMS} large programs allowed")
            collector.add_program(path, _Window(root, node).read)
    for index, nodes in wanted.items():
        source = root.sources[index]
        assert isinstance(source, squashfs.Contents)
        for node, spans in source.contents(source.cheapest(nodes)):
            path = listed[id(node)]
            collector.add(path, _beginning(spans, limit_of(path)))


def _beginning(spans: Iterator[Span], size: int) -> bytes:
    data = bytearray()
    for chunk, start, end in spans:
        data += memoryview(chunk)[start:end]
        if len(data) >= size:
            break
    return bytes(data[:size])


class _Window:
    """A file that is read here and there."""

    def __init__(self, root: layers.Tree, file: layers.File) -> None:
        assert isinstance(file.content, Stored)
        self._source = root.sources[file.content.source]
        self._file = file
        self._start, self._data = 0, b""

    def read(self, start: int, size: int) -> bytes:
        if start >= self._file.size:
            return b""
        if not self._start <= start <= start + size <= self._start + len(self._data):
            assert isinstance(self._source, squashfs.Contents)
            self._start = start - start % WINDOW_BYTES
            needed = max(WINDOW_BYTES, start + size - self._start)
            self._data = self._source.piece(self._file, self._start, needed)
        return self._data[start - self._start :][:size]


def listing(root: layers.Tree) -> dict[str, Digest]:
    """Each path with all that a device sees of it, but the time. Directories that hold something have only
    their attributes.
    """
    digests = {}
    for file, spans in root.contents():
        hasher = hashlib.sha256()
        for chunk, start, end in spans:
            hasher.update(memoryview(chunk)[start:end])
        digests[id(file)] = hasher.digest()
    return {
        name.decode("utf-8", "backslashreplace"): (
            type(node).__name__,
            node.metadata._replace(mtime=0),
            digests.get(id(node)),
            getattr(node, "target", None),
            getattr(node, "major", None),
            getattr(node, "minor", None),
        )
        for name, node in root.walk()
    }
