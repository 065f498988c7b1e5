# SPDX-License-Identifier: MIT
"""``#a,-b`` after a source: which parts of its state to take, and which to leave.

A word is a part, which comes with its config overlay and its signature, or a path of the state: a file, or
a folder with all below. To leave a signature out, or a config overlay that is signed, is to leave out what
the signature covers: the rest would be refused. Only where its part is asked for as well, it means itself
alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .. import names, pvs
from ..errors import FormatError, NotFound
from ..state import State

MINUS = "-"
DEVICE_DOOR = ":12368/cgi-bin/pvr"  # where the management container of a device serves its state
NOT_PARTS = frozenset(["_config", "_sigs"])  # folders of many parts


@dataclass(frozen=True)
class PartFilter:
    """``wanted`` words (all of the state without any), less the ``unwanted`` ones."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> PartFilter:
        """``a,-b``. Raises FormatError for a lone minus."""
        words = [word.rstrip("/") for word in text.split(",") if word]
        if MINUS in words:
            raise FormatError(f'"{text[:100]}" has a minus without a part', hint="write -PART")
        return cls(
            tuple(word for word in words if not word.startswith(MINUS)),
            tuple(word[len(MINUS) :] for word in words if word.startswith(MINUS)),
        )


ALL = PartFilter()


@dataclass(frozen=True)
class StateSource:
    """Where a state comes from, and what of it is meant. A device has a ``url`` and no path."""

    path: Path
    part_filter: PartFilter = ALL
    url: str = ""

    @property
    def place(self) -> str:
        """The path from any directory, or the URL."""
        return self.url or str(self.path.absolute())

    def __str__(self) -> str:
        """For ``parse``, from any directory."""
        words = ",".join(
            (*self.part_filter.wanted, *(f"{MINUS}{word}" for word in self.part_filter.unwanted))
        )
        return f"{self.place}#{words}" if words else self.place

    @classmethod
    def parse(cls, text: str) -> StateSource:
        """``path#a,-b`` or ``http://device:12368/cgi-bin/pvr#a,-b``; an address alone is the device there.
        A path may hold a ``#`` itself where it exists. Raises FormatError.
        """
        url, _, words = text.partition("#")
        if url := _device_url(url):
            return cls(Path(), PartFilter.parse(words), url)
        if not text or (text.startswith("#") and not Path(text).exists()):
            raise FormatError("the source has no name", hint="name a repository or an export")
        marks = [index for index, char in enumerate(text) if char == "#"]
        if not marks or Path(text).exists():
            return cls(Path(text))
        mark = next((index for index in marks if Path(text[:index]).exists()), marks[0])
        return cls(Path(text[:mark]), PartFilter.parse(text[mark + 1 :]))


def _device_url(text: str) -> str:
    """The URL that ``text`` means; nothing for a path."""
    if re.match(r"https?://", text):
        return text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    host = f"[{address}]" if address.version == 6 else str(address)
    return "" if Path(text).exists() else f"http://{host}{DEVICE_DOOR}"


def select(state: State, part_filter: PartFilter, *, beside: Optional[State] = None) -> State:
    """Only what is chosen; ``#spec`` always. Raises NotFound for a word that means nothing in the state.

    What is unwanted may also be of ``beside``.
    """
    _check(part_filter.wanted, state)
    _check(part_filter.unwanted, state, *([beside] if beside else []))
    if part_filter.wanted:
        paths = {path for word in part_filter.wanted for path in _selected_paths(state, word)}
    else:
        paths = set(state)
    for word in part_filter.unwanted:
        paths -= _removed_paths(state, word, part_filter.wanted)
    return State({path: state[path] for path in state if path in paths or path == "#spec"})


def merge(state: State, other: State, part_filter: PartFilter, *, drop: bool = False) -> State:
    """What is chosen of ``other`` in place of the parts and paths of the same names.

    With ``drop`` the unwanted parts leave ``state`` too.
    """
    chosen = select(other, part_filter, beside=state)
    loose = {
        path for word in part_filter.wanted if not _is_part(other, word) for path in _paths(other, word)
    }
    # What a path alone names must not take the place of the whole part that it belongs to.
    parts = {
        path for word in part_filter.wanted if _is_part(other, word) for path in pvs.part_files(other, word)
    }
    loose -= parts
    merged = pvs.merge(state, chosen.without(loose))
    if drop:
        merged = merged.without(
            path
            for word in part_filter.unwanted
            for path in _removed_paths(merged, word, part_filter.wanted)
        )
    return merged.with_files({path: value for path, value in chosen.items() if path in loose})


def _selected_paths(state: State, word: str) -> set[str]:
    return set(pvs.part_files(state, word)) if _is_part(state, word) else _paths(state, word)


def removal(state: State, word: str) -> frozenset[str]:
    """The paths that go with a part, a path, a signature or a config overlay. Raises NotFound."""
    _check([word], state)
    return frozenset(_removed_paths(state, word, ()))


def _removed_paths(state: State, word: str, wanted: Iterable[str]) -> set[str]:
    # What another part's signature covers as well stays with that one.
    if _is_part(state, word):
        return set(pvs.part_paths(state, word))
    paths = _paths(state, word)
    signer = _signer(state, word, paths)
    return paths | pvs.part_paths(state, signer) if signer and signer not in wanted else paths


def _signer(state: State, word: str, paths: set[str]) -> Optional[str]:
    """The name of the signature that ``word`` is, or that covers the config overlay that it is."""
    top, _, rest = word.partition("/")
    if word in state and top == "_sigs" and rest.endswith(".json"):
        return rest[: -len(".json")]
    if top != "_config" or not rest or "/" in rest:
        return None
    covering = [found.name for found in pvs.signatures(state) if any(map(found.selection.covers, paths))]
    return next((name for name in (rest, *covering) if name in covering), None)


def _is_part(state: State, word: str) -> bool:
    return "/" not in word and word not in NOT_PARTS and bool(state.part(word))


def _paths(state: State, word: str) -> set[str]:
    return {path for path in state if path == word or path.startswith(f"{word}/")}


def _check(words: Iterable[str], *states: State) -> None:
    for word in words:
        if not any(_is_part(state, word) or _paths(state, word) for state in states):
            known = {name for state in states for name in pvs.all_part_names(state)}
            raise NotFound(
                f'the state has no part and no path "{word[:100]}"', hint=names.choice(word, known)
            )
