# SPDX-License-Identifier: MIT
"""Parts of a state: what belongs together, by folder and by signature.

A part is a container's or the bsp's folder with its config overlay, its signature, and whatever that
signature mentions. Putting a newer part into a state first takes the older one out, so that no stale file
stays behind; what another signature mentions as well is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import names
from ..errors import NotFound
from ..state import State, Value
from .signature import FOLDER, Signature


def all_part_names(state: State) -> tuple[str, ...]:
    """Containers, the bsp, and names that only have a signature; sorted."""
    signed = {path[len(FOLDER) : -len(".json")] for path in state if path.startswith(FOLDER)}
    return tuple(sorted(signed | set(state.part_names())))


def part_paths(state: State, name: str) -> frozenset[str]:
    """The paths that a part has for itself; ``#spec`` belongs to all.

    A config overlay belongs to the signatures that cover it, and to its container only where none does: it
    may be a package of its own.
    """
    signed, signed_elsewhere, folders = _signed(state, name), set[str](), set[str]()
    for other in all_part_names(state):
        if other != name:
            signed_elsewhere |= _signed(state, other)
            folders.update(path for path in state.part(other) if not path.startswith(names.OVERLAYS))
    overlaid = {path for path in signed_elsewhere - signed if path.startswith(names.OVERLAYS)}
    return frozenset((set(state.part(name)) - overlaid | signed - signed_elsewhere - folders) - {"#spec"})


def part_files(state: State, name: str) -> dict[str, Value]:
    """A part to put elsewhere: its paths, and what its signature mentions. Raises NotFound."""
    paths = set(state.part(name)) | _signed(state, name)
    if not paths:
        raise NotFound(f'the state has no part "{name}"', hint=names.choice(name, all_part_names(state)))
    return {path: state[path] for path in sorted(paths)}


def replace_part(state: State, name: str, files: Mapping[str, Value]) -> State:
    """The state with ``files`` in place of all that the part had."""
    return state.without(part_paths(state, name)).with_files(files)


def merge(state: State, other: State) -> State:
    """All parts of ``other`` in place of those of the same names, then its loose files over the rest."""
    for name in all_part_names(other):
        state = replace_part(state, name, part_files(other, name))
    return state.with_files(dict(other))


def _signed(state: State, name: str) -> set[str]:
    path = f"{FOLDER}{name}.json"
    if path not in state:
        return set()
    selection = Signature.parse(path, state[path]).selection
    return {found for found in state if selection.mentions(found)}
