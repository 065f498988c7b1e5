# SPDX-License-Identifier: MIT
"""PVR_APP_ADD_EXTRA_ARGS of published recipes: options of ``pvr app add``, as variables of this layer."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pvbb.recipe

if TYPE_CHECKING:
    from typing import Any

VARIABLE = "PVR_APP_ADD_EXTRA_ARGS"
# Those with one value.
SINGLE = {
    "--group": "PVR_GROUP",
    "--restart-policy": "PVR_RESTART_POLICY",
    "--status-goal": "PVR_STATUS_GOAL",
}
PAIRS = {"--config": "config", "--arg": "arguments"}


def take(d: Any) -> None:
    """Set what the options set; skip the recipe for one that has no counterpart, or is lost by another."""
    volumes: list[str] = []
    members: dict[str, dict[str, Any]] = {"config": {}, "arguments": {}}
    for option, value in _options(d):
        if option == "--volume":
            volumes.append(value)
        elif option in SINGLE:
            _set(d, option, value)
        else:
            name, equals, text = value.partition("=")
            if not equals:
                pvbb.recipe.skip(d, f"{VARIABLE}: {option} {value}", f"write {option}=NAME=VALUE")
            found = _value(d, text)
            if members[PAIRS[option]].setdefault(name, found) != found:
                what = f"{VARIABLE} has two values of {option}={name}"
                pvbb.recipe.skip(d, what, f'keep one, or write a list: {option}=\'{name}=["A", "B"]\'')
    if volumes:
        given = d.getVar("PVR_VOLUMES", noweakdefault=True) or ""
        d.setVar("PVR_VOLUMES", " ".join([*given.split(), *volumes]))
    if any(members.values()):
        d.setVar("PVR_APP_WORDS", json.dumps(members, sort_keys=True))


def _set(d: Any, option: str, value: str) -> None:
    """One that was given before, too, is in the variable."""
    variable = SINGLE[option]
    given = (d.getVar(variable, noweakdefault=True) or "").strip()
    if given and given != value:
        what = f'{VARIABLE} has {option}={value}, but {variable} is "{given}"'
        pvbb.recipe.skip(d, what, "keep one of them")
    d.setVar(variable, value)


def _options(d: Any) -> list[tuple[str, str]]:
    try:
        words = shlex.split(d.getVar(VARIABLE) or "")
    except ValueError as error:
        pvbb.recipe.skip(d, f"{VARIABLE}: {error}", "close each quotation mark")
    found = []
    while words:
        option, equals, value = words.pop(0).partition("=")
        if option not in ("--volume", *SINGLE, *PAIRS):
            pvbb.recipe.skip(d, f'{VARIABLE} has "{option}", which has no counterpart here',
                             "write it as a variable: docs/formats/container.md lists them")  # fmt: skip
        if not equals:
            if not words:
                pvbb.recipe.skip(d, f"{VARIABLE}: {option} has no value", f"write {option}=VALUE")
            value = words.pop(0)
        found.append((option, value))
    return found


def _value(d: Any, text: str) -> Any:
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        pvbb.recipe.skip(d, f"{VARIABLE}: {text} is not valid JSON: {error}", "quote it for a shell")
