# SPDX-License-Identifier: MIT
"""No command writes over another file that it was given: that would be lost, such as a key or a ledger."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union

from ..errors import FormatError

PathIn = Union[str, Path]
WRITTEN = ("out", "output", "html")
# What is replaced as a whole by what is made of it, and so may be: an image that is signed again, one that
# becomes a unit, a program that is signed.
_IMAGE, _UNIT, _PROGRAM = "image", "target", "program"


def check(options: argparse.Namespace) -> None:
    """Raise FormatError where what is to be written is a file that is read."""
    given = vars(options)
    replaced = {_IMAGE, _PROGRAM} | ({_UNIT} if "plan" in given else set())
    for name in WRITTEN:
        target = given.get(name)
        if not isinstance(target, Path) or not os.path.exists(target):
            continue
        for path in _read(given, {name, *replaced}):
            if os.path.exists(path) and os.path.samefile(path, target):
                raise FormatError(
                    f"{target} is also given to be read, and would be lost", hint="name another file"
                )


def _read(given: dict[str, Any], left_out: set[str]) -> Iterator[PathIn]:
    for name, value in given.items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if name not in left_out and isinstance(item, (str, Path)):
                yield str(item).partition("=")[2] or item
    # They go with what is named.
    for image in (given.get(_IMAGE), given.get(_UNIT)):
        if isinstance(image, Path):
            yield f"{image}.bmap"
    if isinstance(plan := given.get("plan"), Path):
        ledger = given.get("ledger") or f"{plan}.ledger"
        yield from (ledger, f"{ledger}.head")
