"""A ``.pvr`` working tree: files on one side, the committed state and its objects on the other.

``.pvr/json`` is the committed state (canonical), ``.pvr/config`` names the pool, ``.pvr/new`` lists staged paths. One
process at a time writes, held by a lock; every file is replaced in one step, the state last, so that whatever ends a
command in its middle leaves the old state or the new one. Objects that no state names are harmless and are collected.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from . import atomic, cjson, digest, export, names, pvs, trail
from .errors import FormatError, NotFound, PantavisorError
from .objects import ObjectPool
from .state import State, Value

FOLDER = ".pvr"
POOL = ".pvr/objects"
DEFAULT_MESSAGE = "** No commit message **"
MAX_FILES = 20_000


@dataclass(frozen=True)
class Status:
    """Working tree against committed state; each sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    untracked: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        return not (self.added or self.removed or self.changed)


class Repository:
    """The working tree at ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        if not (self.root / FOLDER / "json").is_file():
            raise NotFound(f"{root} is not a pvr repository", hint="make one by: pvr init")
        self.pool = ObjectPool(self._pool_path())

    @classmethod
    def init(cls, root: Path, *, objects: Optional[str] = None) -> Repository:
        """Make an empty repository in ``root``; ``objects`` is a pool elsewhere, relative paths start at ``root``."""
        if (root / FOLDER).exists():
            raise PantavisorError(f"{root} is a pvr repository already")
        root.mkdir(parents=True, exist_ok=True)
        with atomic.new_directory(root / FOLDER) as folder:
            (folder / "json").write_bytes(State.empty().dumps())
            (folder / "config").write_bytes(cjson.dumps({"ObjectsDir": objects or POOL}))
        return cls(root)

    @classmethod
    def find(cls, start: Path) -> Repository:
        """The repository that ``start`` lies in."""
        for folder in (start.absolute(), *start.absolute().parents):
            if (folder / FOLDER / "json").is_file():
                return cls(folder)
        raise NotFound(f"{start.absolute()} is in no pvr repository", hint="make one by: pvr init")

    @property
    def state(self) -> State:
        """The committed state."""
        path = self.root / FOLDER / "json"
        return State.parse(path.read_bytes(), what=str(path))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while something is written; a second process waits."""
        with open(self.root / FOLDER / "lock", "w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def add(self, paths: Iterable[Path] = (), *, raw: bool = False) -> tuple[str, ...]:
        """Stage files (all untracked ones by default) for the next commit; ``raw`` keeps JSON files as objects."""
        with self.lock():
            wanted = [self._relative(path) for path in paths]
            for name in wanted:
                if not os.path.lexists(self.root / name):
                    raise NotFound(f"{name} does not exist in {self.root}")
            found = [name for name in self._files() if not wanted or _below(name, wanted)]
            staged = {**self._staged(), **{name: raw for name in found}}
            self._write_staged(staged)
        return tuple(found)

    def working(self) -> State:
        """What a commit would make: tracked and staged files as they are on disk."""
        committed, staged = self.state, self._staged()
        files: dict[str, Value] = {"#spec": committed["#spec"]}
        for name in sorted({*committed, *staged} - {"#spec"}):
            if (self.root / name).is_file():
                raw = staged.get(name, False) or digest.is_object_id(committed.get(name))
                files[name] = self._value(name, raw=raw)
        return State(files)

    def status(self) -> Status:
        committed, working = self.state, self.working()
        changes = working.diff(committed)
        tracked = {*committed, *self._staged()}
        return Status(
            changes.added,
            changes.removed,
            changes.changed,
            tuple(name for name in self._files() if name not in tracked),
        )

    def commit(self, *, message: str = DEFAULT_MESSAGE) -> State:
        """Make the working state the committed one."""
        with self.lock():
            state = self.working()
            for name, object_id in state.objects().items():
                if object_id not in self.pool and self.pool.put_file(self.root / name) != object_id:
                    raise PantavisorError(f"{name} was changed while it was committed", hint="commit again")
            atomic.write(self.root / FOLDER / "commitmsg", message.encode())
            self._replace(state)
        return state

    def checkout(self, *, links: bool = False) -> None:
        """Make the files of the committed state; untracked files stay, files of the last checkout that left it go."""
        with self.lock():
            state = self.state
            for object_id in state.object_ids():
                self.pool.verify(object_id)
            for name, value in state.items():
                if name != "#spec":
                    self._write_file(name, value, links=links)
            (self.root / FOLDER / "new").unlink(missing_ok=True)

    def write_files(self, files: Mapping[str, Value]) -> None:
        """Write paths, whose objects are in the pool, into the working tree."""
        with self.lock():
            for name, value in files.items():
                self._write_file(names.check_path(name), value, links=False)

    def replace(self, state: State) -> None:
        """Make ``state``, whose objects are in the pool, the committed one."""
        with self.lock():
            self._replace(state)

    def take(self, other: State, pool: ObjectPool, parts: Iterable[str] = ()) -> State:
        """Take parts (all by default) of another state: each replaces what its old signature covered."""
        with self.lock():
            chosen = select(other, tuple(parts))
            state = pvs.merge(self.state, chosen)
            for object_id in sorted(chosen.object_ids()):
                self.pool.copy_from(pool, object_id)
            self._replace(state)
        return state

    def remove(self, part: str) -> tuple[str, ...]:
        """Remove a part from the committed state and the working tree; returns its paths."""
        with self.lock():
            state = self.state
            gone = sorted(set(state) - set(pvs.remove_part(state, part)))
            self._replace(state.without(gone))
            for name in gone:
                self._remove_file(name)
        return tuple(gone)

    def _replace(self, state: State) -> None:
        missing = sorted(object_id for object_id in state.object_ids() if object_id not in self.pool)
        if missing:
            raise NotFound(f"object {missing[0]} of the new state is not in {self.pool.root}")
        atomic.write(self.root / FOLDER / "json", state.dumps())
        (self.root / FOLDER / "new").unlink(missing_ok=True)

    def _pool_path(self) -> Path:
        path = self.root / FOLDER / "config"
        config = cjson.load_object(path.read_bytes(), what=str(path)) if path.is_file() else {}
        return self.root / str(config.get("ObjectsDir") or POOL)

    def _files(self) -> tuple[str, ...]:
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith((".pvr", ".pv")))
            for name in files:
                relative = str((Path(folder) / name).relative_to(self.root))
                if not relative.startswith((".pvr", ".pv")):
                    found.append(names.check_path(relative))
            if len(found) > MAX_FILES:
                raise PantavisorError(f"{self.root} holds more than {MAX_FILES} files")
        return tuple(sorted(found))

    def _value(self, name: str, *, raw: bool) -> Value:
        path = self.root / name
        if not name.endswith(".json") or raw:
            return digest.file_sha256(path)
        value: Any = cjson.loads(path.read_bytes(), what=str(path))
        if not isinstance(value, (dict, list)):
            raise FormatError(f"{name} is neither a JSON object nor an array", hint="add it by: pvr add --raw")
        return value

    def _relative(self, path: Path) -> str:
        full = os.path.normpath(Path.cwd() / path)
        if os.path.commonpath([full, self.root]) != str(self.root):
            raise FormatError(f"{path} lies outside {self.root}")
        return os.path.relpath(full, self.root)

    def _staged(self) -> dict[str, bool]:
        path = self.root / FOLDER / "new"
        if not path.is_file():
            return {}
        document = cjson.load_object(path.read_bytes(), what=str(path))
        return {names.check_path(name): bool(value.get("ForceObject")) for name, value in document.items()}

    def _write_staged(self, staged: Mapping[str, bool]) -> None:
        document = {name: {"ForceObject": raw, "Sha": ""} for name, raw in staged.items()}
        atomic.write(self.root / FOLDER / "new", cjson.dumps(document))

    def _write_file(self, name: str, value: Value, *, links: bool) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not digest.is_object_id(value):
            atomic.write(path, cjson.dumps(value))
        elif links:
            path.unlink(missing_ok=True)
            self.pool.link(str(value), path)
        else:
            with self.pool.open(str(value)) as source, atomic.replacing(path) as target:
                while chunk := source.read(digest.CHUNK):
                    target.write(chunk)

    def _remove_file(self, name: str) -> None:
        path = self.root / name
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root or any(folder.iterdir()):
                return
            folder.rmdir()


@contextmanager
def opened(source: Path) -> Iterator[tuple[State, ObjectPool]]:
    """State and objects of a repository, an unpacked export (``json`` and ``objects/``) or an export file."""
    if source.is_file():
        with atomic.scratch(source.parent) as folder:
            pool = ObjectPool(folder / "objects")
            yield export.read(source, pool), pool
    elif (source / FOLDER / "json").is_file():
        repository = Repository(source)
        yield repository.state, repository.pool
    elif (source / "json").is_file():
        yield State.parse((source / "json").read_bytes(), what=str(source / "json")), ObjectPool(source / "objects")
    else:
        raise NotFound(f"{source} is neither a repository nor an export")


def select(state: State, parts: tuple[str, ...]) -> State:
    """Only the named parts, each with config and signature; all of the state without names."""
    if not parts:
        return state
    files: dict[str, Value] = {"#spec": state["#spec"]}
    for part in parts:
        files.update(pvs.part_files(state, part))
    return State(files)


def deploy(target: Path, sources: Iterable[Path]) -> State:
    """Write a storage tree's revision ``<target>``, such as ``trails/0``, from sources, with its boot links."""
    storage = target.absolute().parent.parent
    pool = ObjectPool(storage / "objects")
    state = State.empty()
    for source in sources:
        with opened(source) as (other, other_pool):
            for object_id in sorted(other.object_ids()):
                pool.copy_from(other_pool, object_id)
            state = pvs.merge(state, other)
    trail.write(storage, state, pool, target.name)
    return state


def _below(name: str, wanted: Iterable[str]) -> bool:
    return any(folder == "." or name == folder or name.startswith(folder + "/") for folder in wanted)
