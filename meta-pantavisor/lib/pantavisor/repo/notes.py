# SPDX-License-Identifier: MIT
"""What a repository notes between two commands: staged paths, files to remove, files to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .. import cjson, names
from ..errors import PantavisorError
from ..state import State, Value
from .own_folder import OwnFolder


def staged(folder: OwnFolder) -> dict[str, bool]:
    """Paths for the next commit, and whether each is kept as an object."""
    found = {}
    for name, value in folder.document("new").items():
        found[names.check_path(name)] = (
            bool(value.get("ForceObject")) if isinstance(value, dict) else False
        )
    return found


def write_staged(folder: OwnFolder, paths: Mapping[str, bool]) -> None:
    """Note what staged() gives back."""
    document = {name: {"ForceObject": raw, "Sha": ""} for name, raw in paths.items()}
    folder.write("new", cjson.dumps(document))


def obsolete_files(folder: OwnFolder) -> dict[str, Value]:
    """Files of earlier states that the next checkout removes."""
    document = folder.document("gone")
    return {names.check_path(name): value for name, value in document.items()}


def note_unwritten(folder: OwnFolder, committed: State, state: State) -> None:
    """``state`` is about to be the committed one; its new values are not in the working tree."""
    changes = state.diff(committed)
    fresh = {name: committed.get(name) for name in (*changes.added, *changes.changed)}
    noted = {**fresh, **folder.document("unwritten")}
    unwritten = {
        name: before for name, before in noted.items() if name in state and before != state[name]
    }
    folder.write("unwritten", cjson.dumps(unwritten))


def need_written(folder: OwnFolder, committed: State, working: State) -> None:
    """Raise PantavisorError where a commit would take back what was merged,
    because the working tree is still the one of before.
    """
    stale = _stale(folder, committed, working)
    if stale:
        raise _unwritten(stale[0], "a commit would take it back")


def need_written_below(
    folder: OwnFolder, heads: tuple[str, ...], committed: State, working: Callable[[], State]
) -> None:
    """Raise PantavisorError where a command would work on the files of before, which are below
    ``heads``.
    """
    if not any(name.startswith(heads) for name in folder.document("unwritten")):
        return  # reading the whole tree takes time
    for name in _stale(folder, committed, working()):
        if name.startswith(heads):
            raise _unwritten(name, "this would work on the files of before")


def _stale(folder: OwnFolder, committed: State, working: State) -> list[str]:
    return [
        name for name, before in folder.document("unwritten").items()
        if name in committed and working.get(name) == before != committed[name]
    ]  # fmt: skip


def _unwritten(name: str, what_follows: str) -> PantavisorError:
    return PantavisorError(
        f"{name} was merged or imported and is not in the working tree yet, so {what_follows}",
        hint="run: pvr checkout, then make your changes again",
    )
