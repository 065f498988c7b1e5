# SPDX-License-Identifier: MIT
"""The template arguments of a container, which a recipe has by variables, in PVR_ARGS and in files, and
what it changes of the image's config. One that is given twice and differs ends the task: one of its values
would be lost.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import bb

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

# Those with a variable of their own.
VARIABLES = {
    "PVR_GROUP": "PV_GROUP",
    "PVR_STATUS_GOAL": "PV_STATUS_GOAL",
    "PVR_RESTART_POLICY": "PV_RESTART_POLICY",
    "PVR_MEMORY": "PV_LIMIT_MEMORY",
    "PVR_SWAP": "PV_LIMIT_SWAP",
    "PVR_CPUS": "PV_LIMIT_CPUS",
    "PVR_PIDS": "PV_LIMIT_PIDS",
    "PVR_ROLES": "PV_ROLES",
}


def further(d: Any, options: dict[str, Any], files: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Those beyond the variables: of PVR_ARGS, of PVR_APP_ADD_EXTRA_ARGS (``options``) and of files."""
    ways = {"PVR_ARGS": dict(_pairs(d)), "PVR_APP_ADD_EXTRA_ARGS": options, **files}
    return _together(d, ways, dict(_of_variables(d)))


def image_config(d: Any, options: dict[str, Any], file: dict[str, Any]) -> dict[str, Any]:
    """Members of the image's config: of PVR_APP_ADD_EXTRA_ARGS and of PVR_CONFIG_JSON."""
    return _together(d, {"PVR_APP_ADD_EXTRA_ARGS": options, "PVR_CONFIG_JSON": file}, {})


def _together(
    d: Any, ways: Mapping[str, dict[str, Any]], said: dict[str, tuple[Any, str]]
) -> dict[str, Any]:
    """What all ``ways`` have; ``said`` are value and variable of what was given before, by its name."""
    found = {}
    for way, arguments in ways.items():
        for name, value in arguments.items():
            other, where = said.setdefault(name, (value, way))
            if _words(other) != _words(value):
                bb.fatal(
                    f"{d.getVar('PN')}: {name} is {json.dumps(other)} by {where}, "
                    f"and {json.dumps(value)} by {way}\n  hint: keep one of them"
                )
            found[name] = value
    return found


def _of_variables(d: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """By their names value and variable, without the defaults of classes."""
    for variable, name in VARIABLES.items():
        # BitBake 2.8 gives an empty weak default all the same.
        if value := d.getVar(variable, noweakdefault=True):
            yield name, (value, variable)


def _pairs(d: Any) -> Iterator[tuple[str, str]]:
    for word in d.getVar("PVR_ARGS").split():
        name, equals, value = word.partition("=")
        if not equals:
            bb.fatal(f'{d.getVar("PN")}: PVR_ARGS has "{word}", which is not NAME=value')
        yield name, value


def _words(value: Any) -> list[str]:
    """As they are compared: a list may be written as words."""
    return list(map(str, value)) if isinstance(value, list) else str(value).replace(",", " ").split()
