# SPDX-License-Identifier: MIT
"""Files of a working tree: finding, reading, writing and removing them.

A state knows plain files and nothing else, so symbolic links, devices and empty folders are refused or
passed over, and no link is ever followed out of the tree. Everything is written below ``.pvr/`` first and
then renamed into place: what a killed process leaves behind lies there and is never taken for a file of the
user's.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Optional

from .. import atomic, beneath, cjson, digest, names
from ..errors import FormatError, LimitError, NotFound
from ..objects import ObjectPool
from ..state import MAX_PATHS, State, Value
from .own_folder import FOLDER, OwnFolder

OWN = (".pvr", ".pv", "..pvr.")  # the repository's, the boot links, a killed init's
SCRATCH = ".writing."
NEW_FOLDER = 0o777  # less the umask
KEY_FILES = frozenset(["ca.key.pem", "key.pem", "x5c.pem"])


class WorkingTree:
    """The files below ``root``, which holds a ``.pvr`` folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._own = OwnFolder(root)

    def relative(self, path: Path) -> str:
        """``path`` as seen from the root, ``.`` for the root itself. Raises FormatError outside of it."""
        full = os.path.normpath(Path.cwd() / path)
        if os.path.commonpath([full, self.root]) != str(self.root):
            raise FormatError(f"{path} lies outside {self.root}", hint="copy it there first")
        return os.path.relpath(full, self.root)

    def files(self) -> tuple[str, ...]:
        """All plain files as paths of a state, sorted;
        the repository's own, other repositories and signing keys left out.

        Raises LimitError.
        """
        found: list[str] = []
        for folder, folders, files in os.walk(self.root):
            at_root = folder == str(self.root)
            _check_depth(os.path.relpath(folder, self.root))
            folders[:] = sorted(
                name
                for name in folders
                if not (at_root and name.startswith(OWN)) and not _is_apart(Path(folder) / name)
            )
            if _holds_signing_key(Path(folder)):
                files = [name for name in files if name not in KEY_FILES]
            for name in files:
                relative = os.path.relpath(os.path.join(folder, name), self.root)
                if not (at_root and name.startswith(OWN)) and self.is_file(relative):
                    found.append(names.check_path(relative))
            if len(found) > MAX_PATHS:
                raise LimitError(f"{self.root} holds more than the {MAX_PATHS} files that a state can have")
        return tuple(sorted(found))

    def below(self, wanted: Iterable[Path]) -> tuple[str, ...]:
        """The files that are or lie below one of ``wanted``; all files without any.
        Raises NotFound, FormatError.
        """
        heads = [self.relative(path) for path in wanted]
        for head in heads:
            full = self.root / head
            if not os.path.lexists(full):
                raise NotFound(f"{head} does not exist in {self.root}", hint=names.hint(head, self.files()))
            if not full.is_dir() and not self.is_file(head):
                raise FormatError(
                    f"{head} is not a plain file", hint="replace it by a plain file: a state holds no links"
                )
            if head != "." and (full / FOLDER / "json").is_file():
                raise FormatError(
                    f"{head} is a repository of its own", hint="to take its parts, run: pvr get"
                )
            if (head != "." and _holds_signing_key(full)) or (
                full.name in KEY_FILES and _holds_signing_key(full.parent)
            ):
                raise FormatError(f"{head} belongs to a signing key, which must never be part of a state")
        return tuple(
            name for name in self.files() if not heads or any(_is_below(name, head) for head in heads)
        )

    def is_file(self, name: str) -> bool:
        """Whether ``name`` is a plain file, reached through no symbolic link."""
        return beneath.is_file(self.root, name)

    def open(self, name: str) -> BinaryIO:
        """The plain file ``name``. Raises FormatError for anything else, and for links on the way."""
        return beneath.open_file(self.root, name)

    def put(self, name: str, pool: ObjectPool) -> str:
        """Put the content of a file into ``pool``; returns its object id."""
        with self.open(name) as stream:
            return pool.put_stream(stream)

    def read(self, name: str, *, raw: bool, pool: Optional[ObjectPool] = None) -> Value:
        """A file's value in a state: inline JSON, or with ``raw`` or without ``.json`` the id of its
        content, which is put into ``pool``.

        Raises FormatError.
        """
        if raw or not name.endswith(".json"):
            return self._sha256(name) if pool is None else self.put(name, pool)
        text = beneath.read(self.root, name, limit=cjson.MAX_BYTES)
        hint = f"correct it; or, for a file that only the container reads, run: pvr add --raw {name}"
        try:
            value: Any = cjson.loads(text, what=str(self.root / name))
        except FormatError as error:
            error.hint = error.hint or hint
            raise
        if not isinstance(value, (dict, list)):
            # Among these is the string of 64 hex digits, which would be taken for an object id.
            raise FormatError(f"{name} is neither a JSON object nor an array", hint=hint)
        return value

    def equals(self, name: str, value: Value) -> bool:
        """Whether the file exists with exactly this content."""
        if not self.is_file(name):
            return False
        if digest.is_object_id(value):
            return self._sha256(name) == value
        text = cjson.dumps(value)
        with self.open(name) as stream:
            return stream.read(len(text) + 1) == text

    def matches(self, name: str, value: Value) -> bool:
        """As ``equals``, but inline JSON may be spelled otherwise."""
        if digest.is_object_id(value) or not self.is_file(name):
            return self.equals(name, value)
        try:
            return self.read(name, raw=False) == value
        except FormatError:
            return False

    def write(
        self, files: Iterable[tuple[str, Value]], pool: ObjectPool, *, links: bool, gone: Iterable[str] = ()
    ) -> None:
        """Write files and remove those of ``gone``;
        objects come from ``pool``, as hard links with ``links``.

        What takes time is done next to them first: after an error or an interruption they are all as
        before. Raises FormatError.
        """
        with self._own.scratch(SCRATCH) as folder:
            ready = list(self._prepare(folder, files, pool, links=links))
            with atomic.uninterrupted():
                for name, _ in ready:
                    self._check_place(name)
                for name, beside in ready:
                    with self._parent(name, make=NEW_FOLDER) as place:
                        os.replace(beside, place / _last(name))
                for name in gone:
                    self.remove(name)
            for parent in sorted({name.rpartition("/")[0] for name, _ in ready}):
                with beneath.folder(self.root, parent) as place:
                    atomic.sync_directory(place)

    def _prepare(
        self, folder: Path, files: Iterable[tuple[str, Value]], pool: ObjectPool, *, links: bool
    ) -> Iterator[tuple[str, Path]]:
        for count, (name, value) in enumerate(files):
            self._check_place(name)
            is_linked = digest.is_object_id(value) and _is_same(self.root / name, pool.path(str(value)))
            # A link that should be a copy is written again: editing it would damage the pool.
            if links == is_linked and (links or self.equals(name, value)):
                continue
            _fill(folder / str(count), value, pool, links=links)
            yield name, folder / str(count)

    def write_folder(self, folder: str, files: Iterable[tuple[str, Value]], pool: ObjectPool) -> None:
        """Make ``folder`` of the root, which must not exist, with files below it, in one step.

        Raises FormatError.
        """
        target = self.root / names.check_path(folder)
        if os.path.lexists(target):
            raise FormatError(f"{folder} exists already", hint="move it away")
        with self._own.scratch(SCRATCH) as scratch:
            for name, value in files:
                beside = scratch / names.check_path(name)
                beside.parent.mkdir(parents=True, exist_ok=True)
                _fill(beside, value, pool, links=False)
            os.rename(scratch / folder, target)
        atomic.sync_directory(self.root)

    def remove(self, name: str) -> None:
        """Remove a file and the folders that it leaves empty."""
        if not self.is_file(name):
            return
        with self._parent(name) as place:
            os.unlink(place / _last(name))
        folder = name.rpartition("/")[0]
        while folder:
            with self._parent(folder) as place:
                if os.listdir(place / _last(folder)):
                    return
                os.rmdir(place / _last(folder))
            folder = folder.rpartition("/")[0]

    def _check_place(self, name: str) -> None:
        """Raise FormatError where ``name`` cannot become a file, before anything is written."""
        names.check_path(name)
        try:
            with self._parent(name) as place:
                if stat.S_ISDIR(os.lstat(place / _last(name)).st_mode):
                    raise FormatError(
                        f"{name} should be a file, but is a directory", hint="move the directory away"
                    )
        except FileNotFoundError:
            pass

    def _parent(self, name: str, *, make: Optional[int] = None) -> AbstractContextManager[Path]:
        return beneath.folder(self.root, name.rpartition("/")[0], make=make)

    def _sha256(self, name: str) -> str:
        with self.open(name) as stream:
            return digest.stream_sha256(stream)


def working_state(tree: WorkingTree, committed: State, staged: dict[str, bool]) -> State:
    """What a commit would make: tracked and staged files as they are on disk;
    what is missing there is gone.
    """
    files: dict[str, Value] = {"#spec": committed["#spec"]}
    for name in sorted({*committed, *staged} - {"#spec"}):
        if tree.is_file(name):
            raw = staged.get(name, digest.is_object_id(committed.get(name)))
            files[name] = tree.read(name, raw=raw)
    return State(files)


def _fill(target: Path, value: Value, pool: ObjectPool, *, links: bool) -> None:
    if digest.is_object_id(value) and links:
        pool.link(str(value), target)
        return
    with open(target, "wb") as stream:
        if digest.is_object_id(value):
            with pool.open(str(value)) as source:
                shutil.copyfileobj(source, stream, digest.CHUNK)
        else:
            stream.write(cjson.dumps(value))
        stream.flush()
        os.fsync(stream.fileno())


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _is_same(path: Path, other: Path) -> bool:
    # rename() of one link onto another of the same file does nothing and leaves both.
    try:
        return path.samefile(other)
    except FileNotFoundError:
        return False


def _holds_signing_key(folder: Path) -> bool:
    # Made next to the files by default: "add everything" must not publish the private key.
    return (folder / "key.pem").is_file() and (folder / "x5c.pem").is_file()


def _check_depth(folder: str) -> None:
    """A file below could not be in a state, and no way down to it has an end that is known."""
    if len(os.fsencode(folder)) > names.MAX_PATH_BYTES:
        raise LimitError(f"{folder[:60]}... lies deeper than a path of a state can be")


def _is_apart(folder: Path) -> bool:
    return _holds_signing_key(folder) or (folder / FOLDER / "json").is_file()


def _is_below(name: str, head: str) -> bool:
    return head == "." or name == head or name.startswith(head + "/")
