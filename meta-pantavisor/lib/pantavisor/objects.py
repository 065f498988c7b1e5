"""The pool of content-addressed objects: one file per sha256, named by it, read-only, never half there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Optional, Union, cast

from . import atomic
from .digest import CHUNK, OBJECT_ID, Digest, VerifyingReader, file_sha256
from .errors import DigestError, FormatError, NotFound

MODE = 0o444


class ObjectPool:
    """The folder ``root``; made when the first object comes."""

    _lasting = True  # whether objects are to survive a power cut

    def __init__(self, root: Union[str, PathLike[str]]) -> None:
        self.root = Path(root)

    def __contains__(self, object_id: object) -> bool:
        return isinstance(object_id, str) and self.path(object_id).is_file()

    def __iter__(self) -> Iterator[str]:
        if self.root.is_dir():
            yield from sorted(name for name in os.listdir(self.root) if OBJECT_ID.fullmatch(name))

    def path(self, object_id: str) -> Path:
        """Where an object lies, or would lie."""
        if not OBJECT_ID.fullmatch(object_id):
            raise FormatError(f'"{object_id[:80]}" is not an object id (64 lowercase hex digits)')
        return self.root / object_id

    def size(self, object_id: str) -> int:
        return self._existing(object_id).stat().st_size

    def open(self, object_id: str) -> BinaryIO:
        return open(self._existing(object_id), "rb")

    def open_verified(self, object_id: str) -> BinaryIO:
        """As open; whoever reads to the end gets a DigestError where the content is not what the name says."""
        stream = self.open(object_id)
        return cast(BinaryIO, VerifyingReader(stream, Digest("sha256", object_id), self.size(object_id), what="object"))

    def put_bytes(self, data: bytes) -> str:
        """Keep ``data``; returns its object id."""
        object_id = hashlib.sha256(data).hexdigest()
        if object_id not in self:
            self.root.mkdir(parents=True, exist_ok=True)
            atomic.write(self.path(object_id), data, mode=MODE, lasting=self._lasting)
        return object_id

    def put_file(self, path: Union[str, PathLike[str]], *, move: bool = False) -> str:
        """Keep a file's content, by renaming the file with ``move`` (same file system); returns its object id."""
        if move:
            object_id = file_sha256(path)
            self.root.mkdir(parents=True, exist_ok=True)
            os.chmod(path, MODE)
            if self._lasting:
                atomic.sync_file(path)
            self._keep(Path(path), object_id)
            Path(path).unlink(missing_ok=True)
            return object_id
        with open(path, "rb") as source:
            return self.put_stream(source)

    def put_stream(self, source: BinaryIO, *, expected: Optional[str] = None) -> str:
        """Keep all that ``source`` has; returns its object id.

        Nothing is kept if reading raises, or if the content is not the ``expected`` object (DigestError).
        """
        self.root.mkdir(parents=True, exist_ok=True)
        hasher = hashlib.sha256()
        with atomic.scratch(self.root) as folder:
            beside = folder / "object"
            with open(beside, "wb") as target:
                while chunk := source.read(CHUNK):
                    hasher.update(chunk)
                    target.write(chunk)
                target.flush()
                if self._lasting:
                    os.fsync(target.fileno())
            if expected not in (None, hasher.hexdigest()):
                raise DigestError(f"object {expected} is damaged: its content is {hasher.hexdigest()}")
            beside.chmod(MODE)
            self._keep(beside, hasher.hexdigest())
        return hasher.hexdigest()

    def verify(self, object_id: str) -> Path:
        """The object's path, after its content was hashed. Raises DigestError where it is not what its name says."""
        path = self._existing(object_id)
        found = file_sha256(path)
        if found != object_id:
            raise DigestError(f"object {object_id} is damaged: its content is {found}")
        return path

    def link(self, object_id: str, target: Union[str, PathLike[str]]) -> None:
        """A hard link to the object at ``target``."""
        os.link(self._existing(object_id), target)

    def leftovers(self) -> tuple[Path, ...]:
        """Files and folders of writers that were killed, or that still write: only a lock of the caller's can tell."""
        return tuple(sorted(self.root.glob(".*")))

    def remove(self, object_id: str) -> None:
        """Forget an object that nobody needs."""
        self._existing(object_id).unlink()

    def copy_from(self, other: ObjectPool, object_id: str) -> None:
        """Take an object from another pool, verified."""
        if object_id not in self:
            with other.open(object_id) as source:
                self.put_stream(source, expected=object_id)

    @contextmanager
    def staging(self) -> Iterator[ObjectPool]:
        """A pool whose objects all move into this one when the block ends well, and are gone when it does not."""
        made = not self.root.exists()
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with atomic.scratch(self.root) as folder:
                staged = type(self)(folder)
                yield staged
                for object_id in staged:
                    self._keep(staged.path(object_id), object_id)
                atomic.sync_directory(self.root)
        except BaseException:
            if made:
                self._remove_empty()
            raise

    def _keep(self, beside: Path, object_id: str) -> None:
        # Revisions are hard links to the object: a good one must keep its inode, only a torn one is replaced.
        try:
            os.link(beside, self.path(object_id))
        except FileExistsError:
            if self.size(object_id) != beside.stat().st_size:
                os.replace(beside, self.path(object_id))

    def _remove_empty(self) -> None:
        try:
            self.root.rmdir()
        except OSError:
            pass  # someone else put an object there meanwhile

    def _existing(self, object_id: str) -> Path:
        path = self.path(object_id)
        if not path.is_file():
            raise NotFound(f"object {object_id} is not in {self.root}")
        return path


class ScratchPool(ObjectPool):
    """A pool for the time of one job: nothing in it has to survive a power cut, so a disk need never see it, and what
    was hashed when it came in is not hashed again."""

    _lasting = False

    def open_verified(self, object_id: str) -> BinaryIO:
        return self.open(object_id)
