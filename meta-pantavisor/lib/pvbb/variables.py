# SPDX-License-Identifier: MIT
"""Whether the variables that a recipe or a configuration sets are read by anything: BitBake ignores a
misspelt one, and one of another recipe, in silence. Their values are judged by ``values``.

A variable exists when a class or a recipe of this layer sets it, or when it has a ``[doc]`` flag, by which
other layers declare variables of their own.
"""

from __future__ import annotations

import functools
import os
import re
from glob import glob
from typing import TYPE_CHECKING

import bb
from pantavisor import manifests, names

import pvbb.assignments
import pvbb.deviceconfig
import pvbb.lost
import pvbb.overrides
import pvbb.published
import pvbb.recipe
import pvbb.sources
import pvbb.tool
import pvbb.values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any, Optional

_DOCUMENTED = re.compile(r"^(\w+)\[doc\] *=", re.MULTILINE)
# Set while a recipe is parsed (recipe, sources, appwords), or by layer.conf.
_INTERNAL = frozenset(
    ["PVR_PLATFORM", "PVR_OCI_DIR", "PVR_PART", "PVR_APP_WORDS", "PVR_OUTSIDE", "PANTAVISOR_LAYERDIR",
     "PANTAVISOR_PYLIB", "PANTAVISOR_FEATURES"]
)  # fmt: skip
_FILES = ("classes/*.bbclass", "recipes-*/*.bb", "recipes-*/*/*.bb", "recipes-*/*/*.inc")
_LIKENESS = 0.8
# What a recipe is for, and the class that reads it.
_OF_RECIPES = {
    **dict.fromkeys(pvbb.sources.SOURCES, "pvrexport"),
    "PVROOT_CONTAINERS": "pvroot-image",
    "PVROOT_CONTAINERS_CORE": "pvroot-image",
    "PVR_BSP_KERNEL": "bsp-pvrexport",
}
# By the class that reads a variable, the recipe that inherits it.
_PLACES = {
    "pvr-container": "into the recipe of the container (inherit pvrexport)",
    "pvrexport": "into the recipe of the container (inherit pvrexport)",
    "bsp-pvrexport": "into the recipe of the bsp (inherit bsp-pvrexport)",
    "pvroot-parts": "into the recipe of the device (inherit pvroot-image)",
    "pvroot-wic": "into the recipe of the device (inherit pvroot-wic)",
}


def check(d: Any) -> None:
    """Skip the recipe, with the nearest right name, where a variable is set that nothing reads."""
    layer = d.getVar("PANTAVISOR_LAYERDIR")
    for path in [*_files(layer), *pvbb.tool.library_folders(d)]:
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
        elif pvbb.assignments.OURS.fullmatch(name) and name not in known:
            near = _nearest(name, {*_readers(layer), *published})
            own = f'declare one of your own by {name}[doc] = "...", and look up others in docs/variables.md'
            pvbb.recipe.skip(d, f'unknown variable "{name}" is set', f'use "{near}"' if near else own)
    _need_readers(d, layer)
    pvbb.overrides.check(d)
    pvbb.lost.check(d)
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


def _nearest(name: str, known: Collection[str]) -> Optional[str]:
    """What it is a misspelling of, as far as others may use its prefix, too."""
    return names.nearest(name, known, likeness=_LIKENESS)


def _is_lower(d: Any, name: str) -> bool:
    """A name of ours that is not written in capitals, and not that of a function."""
    is_ours = name != name.upper() and pvbb.assignments.OURS.fullmatch(name.upper())
    return bool(is_ours and not d.getVarFlag(name, "func", False))


def need_class(d: Any) -> None:
    """Skip a recipe, of whatever layer, that names what it is made of and inherits no class that reads it:
    all that it builds is nothing.
    """
    named = {name for name in _OF_RECIPES if d.getVar(name, False) and not d.getVarFlag(name, "doc", False)}
    for line in pvbb.assignments.of_recipe(d) if named else ():
        if line.name in named and line.path.endswith(pvbb.assignments.RECIPES):
            hint = f"write inherit {_OF_RECIPES[line.name]}"
            pvbb.recipe.skip(d, f"{line.name} is set, and the recipe inherits no class that reads it", hint)


def _need_readers(d: Any, layer: str) -> None:
    """Skip the recipe where it sets itself what only a class that it does not inherit reads. In a
    configuration that is for the recipes that do.
    """
    readers = _readers(layer)
    lines = [line for line in pvbb.assignments.of_recipe(d) if line.path.endswith(pvbb.assignments.RECIPES)]
    for name in sorted({line.name for line in lines}):
        own = pvbb.published.RENAMED.get(name, name)
        is_declared = any(d.getVarFlag(each, "doc", False) for each in (name, own))
        if own in readers and pvbb.assignments.OURS.fullmatch(own) and not is_declared:
            where = _PLACES.get(readers[own], f"where {readers[own]} reads it")
            hint = f"write it {where}, or in the configuration as {name}:pn-NAME"
            pvbb.recipe.skip(d, f"{name} is set, which this recipe does not read", hint)


def _files(layer: str) -> list[str]:
    return [path for pattern in _FILES for path in sorted(glob(os.path.join(layer, pattern)))]


def _texts(layer: str) -> Iterator[tuple[str, str]]:
    for path in _files(layer):
        with open(path, encoding="utf-8") as stream:
            yield os.path.splitext(os.path.basename(path))[0], stream.read()


@functools.cache
def _known(layer: str) -> frozenset[str]:
    found = {line.name for line in pvbb.assignments.of_files(_files(layer))}
    return _INTERNAL.union(filter(pvbb.assignments.OURS.fullmatch, found))


@functools.cache
def _readers(layer: str) -> dict[str, str]:
    """The variables that are documented, and the class or recipe that does it."""
    return {name: reader.partition("_")[0] for reader, text in _texts(layer)
            for name in _DOCUMENTED.findall(text)}  # fmt: skip
