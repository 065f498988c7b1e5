# SPDX-License-Identifier: MIT
"""The folder ``.pvr`` of a working tree: its documents and its lock. No link in it is followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import atomic, beneath, cjson
from ..state import MAX_BYTES, Value

FOLDER = ".pvr"
MAX_DOCUMENT_BYTES = MAX_BYTES


class OwnFolder:
    """``root``/.pvr."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes:
        return beneath.read(self._root, f"{FOLDER}/{name}", limit=MAX_DOCUMENT_BYTES)

    def document(self, name: str) -> dict[str, Value]:
        """The JSON object in the file ``name``; an empty one where there is no file."""
        try:
            text = self.read(name)
        except FileNotFoundError:
            return {}
        return cjson.load_object(text, what=str(self._root / FOLDER / name))

    def write(self, name: str, data: bytes) -> None:
        with beneath.folder(self._root, FOLDER) as place:
            atomic.write(place / name, data)

    def forget(self, *files: str) -> None:
        with beneath.folder(self._root, FOLDER) as place:
            for name in files:
                (place / name).unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while something is written; a second process waits."""
        with (
            beneath.open_file(self._root, f"{FOLDER}/lock", write=True) as stream,
            atomic.exclusive(stream),
        ):
            yield

    @contextmanager
    def scratch(self, prefix: str) -> Iterator[Path]:
        """A folder of our own in it, gone at the end."""
        with beneath.folder(self._root, FOLDER) as place, atomic.scratch(place, prefix=prefix) as made:
            yield made

    def clean(self, *prefixes: str) -> None:
        """Remove what killed writers left under names of our making; only for who holds the lock."""
        with beneath.folder(self._root, FOLDER) as place:
            for name in os.listdir(place):
                if name.startswith(prefixes) or atomic.is_partial(name):
                    atomic.remove(place / name)
