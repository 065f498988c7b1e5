# SPDX-License-Identifier: MIT
"""Whether the variables that a recipe or a configuration sets exist: BitBake ignores a misspelt one in
silence. Their values are judged by ``values``.

A variable exists when a class of this layer sets it, or when it has a ``[doc]`` flag, by which other layers
declare variables of their own.
"""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING

import bb
from pantavisor import names

import pvbb.published
import pvbb.values

if TYPE_CHECKING:
    from typing import Any

_OURS = re.compile(r"(?:PVR|PVROOT|PVS)_\w+")
_ASSIGNMENT = re.compile(rf"^({_OURS.pattern})(?::[\w-]+)?(?:\[| *[?:+.]*=)", re.MULTILINE)
# Set while a recipe is parsed: recipe, sources, appwords.
_INTERNAL = frozenset(["PVR_PLATFORM", "PVR_OCI_DIR", "PVR_PART", "PVR_APP_WORDS"])


def check(d: Any) -> None:
    """Skip the recipe, with the nearest right name, where a variable is set that nothing reads."""
    folder = os.path.join(d.getVar("PANTAVISOR_LAYERDIR"), "classes")
    for path in _classes(folder):
        bb.parse.mark_dependency(d, path)
    known = _known(folder)
    pvbb.published.check(d)
    there = pvbb.published.KEPT.keys() | pvbb.published.RENAMED.keys() | pvbb.published.REPLACED.keys()
    for name in sorted({key.partition(":")[0] for key in d.keys()}):
        if _OURS.fullmatch(name) and name not in known | there and not d.getVarFlag(name, "doc", False):
            error = names.unknown(name, known, what="variable")
            raise bb.parse.SkipRecipe(f"{d.getVar('PN')}: {error.message} is set (hint: {error.hint})")
    pvbb.values.check(d)


def _classes(folder: str) -> list[str]:
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".bbclass")]


@functools.cache
def _known(folder: str) -> frozenset[str]:
    found = set(_INTERNAL)
    for path in _classes(folder):
        with open(path, encoding="utf-8") as stream:
            found.update(_ASSIGNMENT.findall(stream.read()))
    return frozenset(found)
