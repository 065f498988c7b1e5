# SPDX-License-Identifier: MIT
"""Whether the variables that a recipe or a configuration sets are read by anything: BitBake ignores a
misspelt one, and one of another recipe, in silence. Their values are judged by ``values``.

A variable exists when a class or a recipe of this layer sets it, or when it has a ``[doc]`` flag, by which
other layers declare variables of their own.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from glob import glob
from typing import TYPE_CHECKING

import bb
from pantavisor import manifests

import pvbb.deviceconfig
import pvbb.published
import pvbb.recipe
import pvbb.values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any, Optional

_OURS = re.compile(r"(?:PVR|PVROOT|PVS|PANTAVISOR)_\w+")
_ASSIGNMENT = re.compile(rf"^({_OURS.pattern})(?::[\w${{}}-]+)*(?:\[| *[?:+.]*=)", re.MULTILINE)
_DOCUMENTED = re.compile(r"^(\w+)\[doc\] *=", re.MULTILINE)
# Set while a recipe is parsed (recipe, sources, appwords), or by layer.conf.
_INTERNAL = frozenset(
    ["PVR_PLATFORM", "PVR_OCI_DIR", "PVR_PART", "PVR_APP_WORDS", "PANTAVISOR_LAYERDIR", "PANTAVISOR_PYLIB",
     "PANTAVISOR_FEATURES"]
)  # fmt: skip
_FILES = ("classes/*.bbclass", "recipes-*/*.bb", "recipes-*/*/*.bb", "recipes-*/*/*.inc")
_LIKENESS = 0.8
_LIKENESS_OF_OPERATORS = 0.85  # a machine may be called remote
_LIKENESS_OF_WORDS = 0.6  # what of a long name is left without what both have
_OPERATORS = ("append", "prepend", "remove")
_WORDS = re.compile(r"[a-z]{2,}")  # of a name; by numbers and single letters recipes differ


def check(d: Any) -> None:
    """Skip the recipe, with the nearest right name, where a variable is set that nothing reads."""
    layer = d.getVar("PANTAVISOR_LAYERDIR")
    for path in _files(layer):
        bb.parse.mark_dependency(d, path)
    pvbb.published.check(d)
    published = {*pvbb.published.KEPT, *pvbb.published.RENAMED, *pvbb.published.REPLACED}
    known = _known(layer)
    for name in sorted({key.partition(":")[0] for key in d.keys()} - published):
        if d.getVarFlag(name, "doc", False):
            continue
        if name.startswith("PV_") or name in manifests.ARGUMENTS:
            _need_no_argument(d, name, published)
        elif _is_lower(d, name) and (near := _nearest(name.upper(), known)):
            pvbb.recipe.skip(d, f'unknown variable "{name}" is set', f'use "{near}"')
        elif _OURS.fullmatch(name) and name not in known:
            near = _nearest(name, _readers(layer))
            own = f'declare one of your own by {name}[doc] = "...", and look up others in docs/variables.md'
            pvbb.recipe.skip(d, f'unknown variable "{name}" is set', f'use "{near}"' if near else own)
    _need_readers(d, layer)
    _need_overrides(d)
    pvbb.values.check(d)
    pvbb.deviceconfig.check(d)


def _need_no_argument(d: Any, name: str, published: set[str]) -> None:
    """Skip the recipe for a template argument that is set as a variable, and for what is like one or like a
    name of the published layer. Other names with that prefix are those of other layers.
    """
    near = _nearest(name, {*manifests.ARGUMENTS, *(word for word in published if word.startswith("PV_"))})
    if near in manifests.ARGUMENTS:
        what = f"{name} is set, but arguments of a container are in PVR_ARGS"
        pvbb.recipe.skip(d, what, f'write PVR_ARGS = "{near}=..."')
    if near:
        pvbb.recipe.skip(d, f'unknown variable "{name}" is set', f'use "{near}"')


def _nearest(name: str, known: Collection[str], *, likeness: float = _LIKENESS) -> Optional[str]:
    """What it is a misspelling of, as far as others may use its prefix, too."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=likeness)
    return near[0] if near else None


def _is_lower(d: Any, name: str) -> bool:
    """A name of ours that is not written in capitals, and not that of a function."""
    is_ours = name != name.upper() and _OURS.fullmatch(name.upper())
    return bool(is_ours and not d.getVarFlag(name, "func", False))


def _need_readers(d: Any, layer: str) -> None:
    """Skip the recipe where it sets itself what only a class that it does not inherit reads. In a
    configuration that is for the recipes that do.
    """
    readers = _readers(layer)
    for name in sorted(_assigned(d.getVar("FILE", False)) & readers.keys()):
        if not d.getVarFlag(name, "doc", False):
            hint = f"write it where {readers[name]} reads it, or in the configuration"
            pvbb.recipe.skip(d, f"{name} is set, which this recipe does not read", hint)


def _need_overrides(d: Any) -> None:
    """Skip the recipe for a misspelt operator (``:apend``), and for its own name misspelt in an override
    (``:pn-wbe``), unless another recipe has that one, or may have it in a layer that is not in the build:
    BitBake takes both for overrides that do not apply.
    """
    for key in sorted(d.keys()):
        name, *words = key.split(":")
        if not _OURS.fullmatch(name):
            continue
        for word in words:
            near = _nearest(word, [f"pn-{d.getVar('PN')}"]) or _nearest(
                word, _OPERATORS, likeness=_LIKENESS_OF_OPERATORS
            )
            if near in (None, word) or _is_recipe(d, word) or _are_two(near, word):
                continue
            pvbb.recipe.skip(d, f"{key} is set, and {word} has no meaning", f'use ":{near}"')


def _is_recipe(d: Any, word: str) -> bool:
    """Whether it is the override of another recipe, by the names of their files."""
    prefix, name, folders = word[:3], word[3:], (d.getVar("BBFILES") or "").split()
    files = (f"{os.path.dirname(folder)}/{name}{end}" for folder in folders for end in (".bb", "_*.bb"))
    return prefix == "pn-" and any(glob(file) for file in files)


def _are_two(name: Optional[str], other: str) -> bool:
    """Whether two names differ by whole words, numbers or single letters: ``pn-web-1`` and ``pn-web-2``,
    or those of multilib and native variants. Misspelt ones do not.
    """
    words, others = set(_WORDS.findall(name or "")), set(_WORDS.findall(other))
    own, theirs = ("".join(sorted(left)) for left in (words - others, others - words))
    return not (own and theirs and _nearest(own, [theirs], likeness=_LIKENESS_OF_WORDS))


def _assigned(path: Any) -> frozenset[str]:
    if not path or not os.path.isfile(path):
        return frozenset()
    with open(path, encoding="utf-8", errors="replace") as stream:
        return frozenset(_ASSIGNMENT.findall(stream.read()))


def _files(layer: str) -> list[str]:
    return [path for pattern in _FILES for path in sorted(glob(os.path.join(layer, pattern)))]


def _texts(layer: str) -> Iterator[tuple[str, str]]:
    for path in _files(layer):
        with open(path, encoding="utf-8") as stream:
            yield os.path.splitext(os.path.basename(path))[0], stream.read()


@functools.cache
def _known(layer: str) -> frozenset[str]:
    found = (name for _, text in _texts(layer) for name in _ASSIGNMENT.findall(text))
    return _INTERNAL.union(found)


@functools.cache
def _readers(layer: str) -> dict[str, str]:
    """The variables that are documented, and the class or recipe that does it."""
    return {name: reader.partition("_")[0] for reader, text in _texts(layer)
            for name in _DOCUMENTED.findall(text)}  # fmt: skip
