# SPDX-License-Identifier: MIT
"""The lines that assign variables, in the files that BitBake read: of what is left in its data, no one sees
which line lost.
"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_LINE = re.compile(
    r'^(?:export +)?([A-Z]\w*)((?::[\w${}.-]+)*)(?:\[\w+\] *\S?=| *(\?\?=|[?:+.]=|=[+.]|=) *"?([^"\\\n]*))',
    re.MULTILINE,
)
OURS = re.compile(r"(?:PVR|PVROOT|PVS|PANTAVISOR)_\w+")  # variables of this layer, by their names
ADDING = ("+=", ".=", "=+", "=.")
WEAK = "??="
RECIPES = (".bb", ".bbappend")


@dataclass(frozen=True)
class Assignment:
    """One line. ``overrides`` are the words after the colons; ``operator`` is empty where a flag is set;
    ``value`` is as far as the first line has it.
    """

    name: str
    overrides: tuple[str, ...]
    operator: str
    value: str
    path: str


def of_configuration(d: Any) -> list[Assignment]:
    """Those that count for every recipe."""
    return of_files(path for path, _ in d.getVar("__base_depends", False) or ())


def of_recipe(d: Any) -> list[Assignment]:
    """Those of the recipe, of what it includes and of what is appended to it."""
    return of_files(files_of_recipe(d))


def files_of_recipe(d: Any) -> list[str]:
    """Itself, what it includes and what is appended to it."""
    file = d.getVar("FILE", False)
    # All recipes of this layer are among what a recipe depends on: see variables.
    own = os.path.join(d.getVar("PANTAVISOR_LAYERDIR"), "recipes-")
    read = [path for path, _ in d.getVar("__depends", False) or ()]
    files = [path for path in read if path.endswith((*RECIPES, ".inc")) and not path.startswith(own)]
    return [*([file] if file else ()), *files]


def of_classes(d: Any) -> list[Assignment]:
    """Those of the classes that the recipe inherits."""
    return of_files(d.getVar("__inherit_cache", False) or ())


def of_files(paths: Iterable[str]) -> list[Assignment]:
    """Those of files, of which each counts once."""
    files = [path for path in dict.fromkeys(paths) if os.path.isfile(path)]
    return [line for path in files for line in _lines(path, os.path.getmtime(path))]


@functools.lru_cache(maxsize=1024)
def _lines(path: str, time: float) -> tuple[Assignment, ...]:
    """``time`` is that of the file, so that a newer one is read again."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        text = stream.read()
    return tuple(
        Assignment(name, tuple(overrides.split(":")[1:]), operator, value.strip(), path)
        for name, overrides, operator, value in _LINE.findall(text)
    )
