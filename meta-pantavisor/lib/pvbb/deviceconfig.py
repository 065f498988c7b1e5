# SPDX-License-Identifier: MIT
"""Whether PANTAVISOR_CONFIG has keys that the runtime knows: on the device it passes over the others.

The table of keys is the runtime's own, in config.c.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import bb
from pantavisor import names
from pantavisor.errors import PantavisorError

import pvbb.recipe

if TYPE_CHECKING:
    from typing import Any

VARIABLE = "PANTAVISOR_CONFIG"
TABLE = "recipes-pv/pantavisor/pantavisor/src/config.c"
_KEY = re.compile(r'^\t\[PV_\w+\] = \{"(PV_\w+)", "([\w.]+)"', re.MULTILINE)


def check(d: Any) -> None:
    """Skip the recipe for a word that is not KEY=value, with the nearest right key."""
    words = (d.getVar(VARIABLE) or "").split()
    if not words:
        return
    path = os.path.join(d.getVar("PANTAVISOR_LAYERDIR"), TABLE)
    bb.parse.mark_dependency(d, path)
    known = keys(path)
    for word in words:
        name, equals, value = word.partition("=")
        try:
            if name not in known:
                raise names.unknown(name, known, what=f"key in {VARIABLE}:")
        except PantavisorError as error:
            pvbb.recipe.skip(d, error.message, error.hint or "remove it")
        if not equals or not value:
            pvbb.recipe.skip(d, f'{VARIABLE} has "{word}", which is not KEY=value', f"write {name}=...")


def keys(path: str) -> frozenset[str]:
    """The names in the table, new and old."""
    with open(path, encoding="utf-8") as stream:
        return frozenset(name for pair in _KEY.findall(stream.read()) for name in pair)
