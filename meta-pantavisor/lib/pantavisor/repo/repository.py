# SPDX-License-Identifier: MIT
"""The repository: what is committed, what is staged, and one writer at a time.

``.pvr/json`` is the committed state (canonical), ``.pvr/config`` names the pool, ``.pvr/new`` lists staged
paths, ``.pvr/gone`` the files of earlier states that the next checkout removes, ``.pvr/unwritten`` those of
the committed state that it has yet to write, with what the state had before. Every file is replaced in one
step, objects first and the state last, so a command cut short leaves the old state or the new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .. import atomic, cjson, export, names
from ..errors import FormatError, NotFound, PantavisorError
from ..objects import ObjectPool, SharedPool
from ..state import State, Value
from . import notes
from .filter import ALL, PartFilter, StateSource, merge, select
from .own_folder import FOLDER, OwnFolder
from .ownership import Owners
from .sources import own_pool
from .working_tree import SCRATCH, WorkingTree, working_state

POOL = f"{FOLDER}/objects"
LAST_SOURCE = "DefaultGetUrl"
LAST_TARGET = "DefaultPostUrl"
CHECKPOINT = "checkpoint.json"
DEFAULT_MESSAGE = "** No commit message **"


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
            raise NotFound(f"{root} is not a pvr repository", hint="run: pvr init")
        self.folder = OwnFolder(self.root)
        self._tree = WorkingTree(self.root)
        self.pool = own_pool(self.root, self.folder.document("config"))

    @classmethod
    def init(cls, root: Path, *, objects: Optional[str] = None) -> Repository:
        """Make an empty repository in ``root``; ``objects`` is a pool elsewhere,
        relative paths start at ``root``.

        Raises FormatError and PantavisorError.
        """
        if os.path.lexists(root / FOLDER):
            raise PantavisorError(f"{root} is a pvr repository already")
        if objects and (not names.has_bytes(objects) or "\0" in objects):
            raise FormatError("the directory of the objects is not a path that JSON can hold")
        root.mkdir(parents=True, exist_ok=True)
        with atomic.new_directory(root / FOLDER) as folder:
            (folder / "json").write_bytes(State.empty().dumps())
            (folder / "config").write_bytes(cjson.dumps({"ObjectsDir": objects or POOL}))
            if not objects:
                (folder / "objects").mkdir()
        made = cls(root)
        if isinstance(made.pool, SharedPool):
            made.pool.mark()
        return made

    @classmethod
    def find(cls, start: Path, owners: Optional[Owners] = None) -> Repository:
        """The repository that ``start`` lies in, which must belong to one of ``owners`` (this user).

        Raises NotFound.
        """
        owners = owners or Owners.of(os.geteuid(), {})
        for folder in (start.absolute(), *start.absolute().parents):
            if (folder / FOLDER / "json").is_file():
                owners.check(folder, FOLDER)
                return cls(folder)
        raise NotFound(f"{start.absolute()} is not in a pvr repository", hint="run: pvr init")

    @property
    def state(self) -> State:
        """The committed state."""
        return State.parse(self.folder.read("json"), what=str(self.root / FOLDER / "json"))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while something is written; a second process waits. Not to be taken twice."""
        with self.folder.lock():
            self.folder.clean(SCRATCH)
            yield

    def add(self, paths: Iterable[Path] = (), *, raw: bool = False) -> tuple[str, ...]:
        """Stage files (all by default) for the next commit; ``raw`` keeps JSON files as objects."""
        with self.lock():
            committed, staged = self.state, notes.staged(self.folder)
            wanted = tuple(paths)
            found = self._tree.below(wanted)
            for name in found:
                # Adding everything again must not turn an object into inline JSON.
                keep = name in committed or name in staged
                if raw or wanted or not keep:
                    staged[name] = raw
            notes.write_staged(self.folder, staged)
        return found

    def working(self) -> State:
        """What a commit would make: tracked and staged files as they are on disk."""
        return working_state(self._tree, self.state, notes.staged(self.folder))

    def named(self, paths: Iterable[Path]) -> frozenset[str]:
        """Paths of the committed and of the working state that are or lie below one of ``paths``.
        Raises NotFound.
        """
        known = {*self.state, *notes.staged(self.folder)}
        found = set()
        for head in map(self._tree.relative, paths):
            below = {name for name in known if head == "." or name == head or name.startswith(f"{head}/")}
            if not below:
                raise NotFound(
                    f"{head} is neither committed nor staged", hint="run: pvr status"
                )
            found |= below
        return frozenset(found)

    def last_source(self) -> StateSource:
        """What was taken last. Raises NotFound."""
        last = self.folder.document("config").get(LAST_SOURCE)
        if not isinstance(last, str) or not last:
            raise NotFound("no source was taken yet", hint="name a repository or an export")
        return StateSource.parse(last)

    def last_target(self) -> str:
        """The device that was posted to last, else the one that was taken from. Raises NotFound."""
        config = self.folder.document("config")
        for value in (config.get(LAST_TARGET), config.get(LAST_SOURCE)):
            if isinstance(value, str) and StateSource.parse(value or ".").url:
                return StateSource.parse(value).url
        raise NotFound(
            "no device was named yet", hint="give its address, such as http://HOST:12368/cgi-bin/pvr"
        )

    def remember(self, source: StateSource) -> None:
        """Have last_source() be ``source``."""
        self._configure(LAST_SOURCE, str(source))

    def remember_target(self, url: str) -> None:
        """Have last_target() be ``url``."""
        self._configure(LAST_TARGET, url)

    def _configure(self, member: str, value: str) -> None:
        with self.lock():
            config = self.folder.document("config")
            self.folder.write("config", cjson.dumps({**config, member: value}))

    def status(self) -> Status:
        committed, staged = self.state, notes.staged(self.folder)
        changes = working_state(self._tree, committed, staged).diff(committed)
        return Status(changes.added, changes.removed, changes.changed, self.untracked())

    def untracked(self) -> tuple[str, ...]:
        """Files that are neither committed nor staged; sorted."""
        known = {*self.state, *notes.staged(self.folder)}
        return tuple(name for name in self._tree.files() if name not in known)

    def uncommitted(self) -> tuple[str, ...]:
        """Paths in which the working tree differs from the committed state, or that it has in addition;
        not those that were merged or imported and that no checkout has written yet.
        """
        working, committed, before = self.working(), self.state, self.folder.document("unwritten")
        changes = working.diff(committed)
        differ = (*changes.added, *changes.removed, *changes.changed)
        mine = [name for name in differ if name not in before or working.get(name) != before[name]]
        return tuple(sorted({*mine, *self.untracked()}))

    def need_written(self, part: str) -> None:
        """need_written_below() for the files of the container ``part``."""
        self.need_written_below(f"{part}/", names.overlay_folder(part))

    def need_written_below(self, *heads: str) -> None:
        """Raise PantavisorError for a path below ``heads`` that was merged and not yet written."""
        notes.need_written_below(self.folder, heads, self.state, self.working)

    def commit(self, *, message: str = DEFAULT_MESSAGE, checkpoint: Optional[str] = None) -> State:
        """Make the working state the committed one, together with a ``checkpoint`` time if there is one.

        Raises PantavisorError.
        """
        with self.lock():
            state = self.working()
            notes.need_written(self.folder, self.state, state)
            if checkpoint is not None:
                mark: dict[str, Value] = {CHECKPOINT: {"major": checkpoint}}
                self._tree.write(mark.items(), self.pool, links=False)
                state = state.with_files(mark)
            for name, object_id in state.objects().items():
                if object_id not in self.pool and self._tree.put(name, self.pool) != object_id:
                    raise PantavisorError(f"{name} was changed while it was committed", hint="commit again")
            # A message may be in any encoding; its bytes are given back as they were.
            self.folder.write("commitmsg", message.encode("utf-8", "surrogateescape"))
            self._replace(state)
            self.folder.forget("unwritten")
        return state

    def checkout(self, *, links: bool = False) -> None:
        """Make the files of the committed state, each object verified before anything is written.

        Untracked files stay; files of an earlier state go, unless they were changed since.
        """
        with self.lock():
            state = self.state
            for object_id in sorted(state.object_ids()):
                self.pool.verify(object_id)
            for name, value in notes.obsolete_files(self.folder).items():
                if name not in state and self._tree.matches(name, value):
                    self._tree.remove(name)
            files = [(name, value) for name, value in state.items() if name != "#spec"]
            self._tree.write(files, self.pool, links=links)
            self.folder.forget("new", "gone", "unwritten")

    def write_files(self, files: Mapping[str, Value], *, gone: Iterable[str] = ()) -> None:
        """Write paths, whose objects are in the pool, into the working tree; remove those of ``gone``."""
        with self.lock():
            self._tree.write(sorted(files.items()), self.pool, links=False, gone=sorted(gone))

    def write_folder(self, folder: str, files: Mapping[str, Value]) -> None:
        """Write paths below ``folder``, which must not exist, so that it appears whole or not at all."""
        with self.lock():
            self._tree.write_folder(folder, sorted(files.items()), self.pool)

    def update(self, change: Callable[[State], State], *, in_tree: bool = False) -> State:
        """Make what ``change`` makes of the committed state the committed one, in one step.

        With ``in_tree`` the paths that are new or changed come into the working tree too. Raises NotFound.
        """
        with self.lock():
            committed = self.state
            state = change(committed)
            self._check_objects(state)
            if in_tree:
                # First, and under the same lock: a commit that does not find them there would drop them.
                changes = state.diff(committed)
                files = [(name, state[name]) for name in sorted((*changes.added, *changes.changed))]
                self._tree.write(files, self.pool, links=False)
            self._replace(state)
        return state

    def merge_from(
        self, other: State, pool: ObjectPool, part_filter: PartFilter = ALL, *, drop: bool = False
    ) -> State:
        """Take what is chosen of another state: each part replaces what its old signature covered.

        With ``drop`` what the part_filter leaves out leaves the committed state too. Raises NotFound.
        """
        with self.lock():
            for object_id in sorted(select(other, part_filter, beside=self.state).object_ids()):
                self.pool.copy_from(pool, object_id)
            state = merge(self.state, other, part_filter, drop=drop)
            notes.note_unwritten(self.folder, self.state, state)
            self._replace(state)
        return state

    def read_export(self, path: Path) -> State:
        """Make the state of an export the committed one. Raises NotFound."""
        with self.lock():
            state = export.read(path, self.pool)
            notes.note_unwritten(self.folder, self.state, state)
            self._replace(state)
        return state

    def _check_objects(self, state: State) -> None:
        missing = sorted(object_id for object_id in state.object_ids() if object_id not in self.pool)
        if missing:
            raise NotFound(f"object {missing[0]} of the new state is not in {self.pool.root}")

    def _replace(self, state: State) -> None:
        self._check_objects(state)
        committed = self.state
        before = {**notes.obsolete_files(self.folder), **committed}
        gone = {name: value for name, value in before.items() if name not in state}
        self.folder.write("gone", cjson.dumps(gone))
        self.folder.write("json", state.dumps())
        self.folder.forget("new")
