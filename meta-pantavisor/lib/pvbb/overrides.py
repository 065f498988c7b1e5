# SPDX-License-Identifier: MIT
"""Overrides and operators that are misspelt: BitBake takes each for an override that does not apply."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pantavisor import names

import pvbb.assignments
import pvbb.published
import pvbb.recipe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Optional

_LIKENESS = 0.8
_LIKENESS_OF_OPERATORS = 0.85  # a machine may be called remote
_LIKENESS_OF_WORDS = 0.6  # what of a long name is left without what both have
_OPERATORS = ("append", "prepend", "remove")
_WORDS = re.compile(r"[a-z]{2,}")  # of a name; by numbers and single letters recipes differ
_MIN_LETTERS = 4  # of a machine's name, which short ones of others are too like


def check(d: Any) -> None:
    """Skip the recipe for a misspelt operator (``:apend``), and for its own name (``:pn-wbe``) or that of
    the machine misspelt in an override of one of our variables, unless that is the name of another one, or
    may be in a layer that is not in the build: as where the variable is set for both.
    """
    keys = list(_keys(d))
    for key in keys:
        for word in key.split(":")[1:]:
            near = _meant(d, word)
            if near is not None and (near in _OPERATORS or key.replace(word, near) not in keys):
                pvbb.recipe.skip(d, f"{key} is set, and {word} has no meaning", f'use ":{near}"')


def _keys(d: Any) -> Iterator[str]:
    """As they are written. BitBake keeps what follows an operator with the variable."""
    for key in sorted(d.keys()):
        name = key.partition(":")[0]
        if not pvbb.assignments.OURS.fullmatch(name) and name not in pvbb.published.RENAMED:
            continue
        yield key
        for operator in _OPERATORS:
            for _, override in d.getVarFlag(key, f":{operator}", False) or ():
                yield f"{key}:{operator}:{override}" if override else key


def _meant(d: Any, word: str) -> Optional[str]:
    if word in (d.getVar("OVERRIDES") or "").split(":"):
        return None
    own = f"pn-{d.getVar('PN')}"
    near = names.nearest(word, [own], likeness=_LIKENESS)
    near = near or names.nearest(word, _OPERATORS, likeness=_LIKENESS_OF_OPERATORS)
    if near is not None:
        return None if near == word or _is_recipe(d, word) or _are_two(near, word) else near
    return _machine(d, word)


def _machine(d: Any, word: str) -> Optional[str]:
    machine = d.getVar("MACHINE") or ""
    is_like = len(machine) >= _MIN_LETTERS and names.nearest(word, [machine], likeness=_LIKENESS)
    if not is_like or _is_machine(d, word):
        return None
    # By their numbers machines differ, unless two digits are exchanged.
    exchanged = sorted(word) == sorted(machine)
    return machine if exchanged or not _are_two(machine, word) else None


def _is_machine(d: Any, word: str) -> bool:
    folders = (d.getVar("BBPATH") or "").split(":")
    places = [f"{folder}/conf/{kind}/{word}.conf" for folder in folders for kind in ("machine", "distro")]
    return any(map(os.path.exists, places))


def _is_recipe(d: Any, word: str) -> bool:
    """Whether it is the override of another recipe, by the names of their files."""
    return word.startswith("pn-") and bool(pvbb.recipe.files_of(d, word[len("pn-") :]))


def _are_two(name: Optional[str], other: str) -> bool:
    """Whether two names differ by whole words, numbers or single letters: ``pn-web-1`` and ``pn-web-2``,
    or those of multilib and native variants. Misspelt ones do not.
    """
    words, others = set(_WORDS.findall(name or "")), set(_WORDS.findall(other))
    own, theirs = ("".join(sorted(left)) for left in (words - others, others - words))
    return not (own and theirs and names.nearest(own, [theirs], likeness=_LIKENESS_OF_WORDS))
