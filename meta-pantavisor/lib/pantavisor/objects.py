# SPDX-License-Identifier: MIT
"""The pool of content-addressed objects: one file per sha256, named by it, read-only, never half there."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Optional, Union, cast

from . import atomic, beneath
from .digest import CHUNK, OBJECT_ID, Digest, VerifyingReader, file_sha256
from .errors import DigestError, FormatError, NotFound

MODE = 0o444
FOLDER_MODE = 0o755
POOL_NAME = "objects"
# What put_stream and put_bytes leave when they are killed; any other name in the folder belongs to others.
_LEFTOVER = re.compile(r"\.scratch\.[a-z0-9_]{8}|\.[0-9a-f]{64}\.[a-z0-9_]{8}\.part")


class ObjectPool:
    """The folder ``root``; made when the first object comes.

    Nothing is written or removed through a link below ``above``, where one is named;
    the way to there is the user's.
    """

    _durable = True  # whether objects are to survive a power cut

    def __init__(self, root: Union[str, PathLike[str]], *, above: Optional[Path] = None) -> None:
        self.root = Path(root)
        self._above = above

    def __contains__(self, object_id: object) -> bool:
        return isinstance(object_id, str) and _is_plain(self.path(object_id))

    def __iter__(self) -> Iterator[str]:
        if self.root.is_dir():
            yield from sorted(name for name in os.listdir(self.root) if OBJECT_ID.fullmatch(name))

    def path(self, object_id: str) -> Path:
        """Where an object lies, or would lie. Raises FormatError."""
        if not OBJECT_ID.fullmatch(object_id):
            raise FormatError(f'"{object_id[:80]}" is not an object id (64 lowercase hex digits)')
        return self.root / object_id

    def size(self, object_id: str) -> int:
        """Raises NotFound."""
        return self._existing(object_id).stat().st_size

    def open(self, object_id: str) -> BinaryIO:
        """Raises NotFound."""
        return open(self._existing(object_id), "rb")

    def open_verified(self, object_id: str) -> BinaryIO:
        """As open; reading to the end raises DigestError where the digest is not the name."""
        stream = self.open(object_id)
        return cast(
            BinaryIO,
            VerifyingReader(stream, Digest("sha256", object_id), self.size(object_id), what="object"),
        )

    def put_bytes(self, data: bytes) -> str:
        """Keep ``data``; returns its object id."""
        object_id = hashlib.sha256(data).hexdigest()
        if object_id not in self:
            with self._held() as place:
                atomic.write(place / object_id, data, mode=MODE, durable=self._durable)
        return object_id

    def put_file(self, path: Union[str, PathLike[str]], *, move: bool = False) -> str:
        """Keep a file's content, by renaming the file with ``move`` (same file system);
        returns its object id.
        """
        if move:
            object_id = file_sha256(path)
            os.chmod(path, MODE)
            if self._durable:
                atomic.sync_file(path)
            with self._held() as place:
                _keep(Path(path), place / object_id)
            Path(path).unlink(missing_ok=True)
            return object_id
        with open(path, "rb") as source:
            return self.put_stream(source)

    def put_stream(self, source: BinaryIO, *, expected: Optional[str] = None) -> str:
        """Keep all that ``source`` has; returns its object id.

        Nothing is kept if reading raises, or if the content is not the ``expected`` object (DigestError).
        """
        hasher = hashlib.sha256()
        with self._held() as place, atomic.scratch(place) as folder:
            beside = folder / "object"
            with open(beside, "wb") as target:
                while chunk := source.read(CHUNK):
                    hasher.update(chunk)
                    target.write(chunk)
                target.flush()
                if self._durable:
                    os.fsync(target.fileno())
            if expected not in (None, hasher.hexdigest()):
                raise DigestError(f"object {expected} is damaged: its content is {hasher.hexdigest()}")
            beside.chmod(MODE)
            _keep(beside, place / hasher.hexdigest())
        return hasher.hexdigest()

    def verify(self, object_id: str) -> Path:
        """The object's path, after its content was hashed.
        Raises NotFound where it is missing, DigestError where it has another digest than its name.
        """
        path = self._existing(object_id)
        found = file_sha256(path)
        if found != object_id:
            raise DigestError(f"object {object_id} is damaged: its content is {found}")
        return path

    def link(self, object_id: str, target: Union[str, PathLike[str]]) -> None:
        """A hard link to the object at ``target``. Raises NotFound."""
        self._existing(object_id)
        with self._held() as place:
            os.link(place / object_id, target, follow_symlinks=False)

    def leftovers(self) -> tuple[Path, ...]:
        """Files and folders of writers that were killed, or that still write: the caller's lock decides."""
        names = os.listdir(self.root) if self.root.is_dir() else []
        return tuple(self.root / name for name in sorted(names) if _LEFTOVER.fullmatch(name))

    def remove(self, object_id: str) -> None:
        """Forget an object that is not needed. Raises NotFound."""
        self._existing(object_id)
        with self._held() as place:
            os.unlink(place / object_id)

    def clean(self) -> None:
        """Remove what leftovers() names."""
        if self.root.is_dir():
            with self._held() as place:
                for left in self.leftovers():
                    atomic.remove(place / left.name)

    def copy_from(self, other: ObjectPool, object_id: str) -> None:
        """Take an object from another pool, verified."""
        if object_id not in self:
            with other.open(object_id) as source:
                self.put_stream(source, expected=object_id)

    @contextmanager
    def staging(self) -> Iterator[ObjectPool]:
        """A pool whose objects all move into this one when the block ends well,
        and are gone when it does not.
        """
        made = not self.root.exists()
        try:
            with self._held() as place, atomic.scratch(place) as folder:
                staged = self._plain(folder)
                yield staged
                for object_id in staged:
                    _keep(staged.path(object_id), place / object_id)
                atomic.sync_directory(place)
        except BaseException:
            if made:
                self._remove_empty()
            raise

    @contextmanager
    def _held(self) -> Iterator[Path]:
        """The folder, made where it is missing, as a path
        that leads nowhere else whatever becomes of its name.
        """
        if self._above is None:
            self.root.mkdir(parents=True, exist_ok=True)
        path = os.path.relpath(self.root, self._above) if self._above else ""
        with beneath.folder(self._above or self.root, path, make=FOLDER_MODE) as place:
            yield place

    def _plain(self, folder: Path) -> ObjectPool:
        return type(self)(folder)

    def _remove_empty(self) -> None:
        try:
            self.root.rmdir()
        except OSError:
            pass  # someone else put an object there meanwhile

    def _existing(self, object_id: str) -> Path:
        path = self.path(object_id)
        if not _is_plain(path):
            raise NotFound(f"object {object_id} is not in {self.root}")
        return path


class SharedPool(ObjectPool):
    """A pool that settings name, maybe hostile ones:
    a folder that is not a pool of objects yet does not become one.
    """

    @contextmanager
    def _held(self) -> Iterator[Path]:
        if self.root.name != POOL_NAME and not self.root.exists():
            raise _no_pool(self.root, "does not exist")
        with super()._held() as place:
            real, held = Path(os.readlink(place)), os.listdir(place)
            strange = next(
                (name for name in held if not (OBJECT_ID.match(name) or _LEFTOVER.fullmatch(name))), None
            )
            if real.name != POOL_NAME and (strange or not held):
                raise _no_pool(real, f"holds {strange}" if strange else "is empty")
            yield place

    def mark(self) -> None:
        """Make the folder, where its name is not enough with the empty object in it, a pool.
        The user asks for it.
        """
        if self.root.name != POOL_NAME:
            ObjectPool(self.root).put_bytes(b"")

    def _plain(self, folder: Path) -> ObjectPool:
        return ObjectPool(folder)


class ScratchPool(ObjectPool):
    """A pool for the time of one job: nothing in it has to survive a power cut,
    so a disk need never see it, and what was hashed when it came in is not hashed again.
    """

    _durable = False

    def open_verified(self, object_id: str) -> BinaryIO:
        return self.open(object_id)


def _keep(beside: Path, target: Path) -> None:
    # Revisions are hard links to the object: a good one must keep its inode, only a torn one is replaced.
    try:
        os.link(beside, target)
    except FileExistsError:
        if not _is_plain(target) or target.stat().st_size != beside.stat().st_size:
            os.replace(beside, target)


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _no_pool(path: Path, why: str) -> FormatError:
    return FormatError(
        f"ObjectsDir is {path}, which {why} and so is not a pool of objects",
        hint=f'use a directory named "{POOL_NAME}", or run: pvr init --objects DIR',
    )
