# SPDX-License-Identifier: MIT
"""docs/variables.md: every variable of the layer with its default and what it is for, from the classes and
recipes themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LAYER = Path(__file__).resolve().parents[3] / "meta-pantavisor"
PAGE = LAYER / "docs" / "variables.md"
KINDS = ("*.bbclass", "*.bb", "*.inc", "*.conf")
# A value between double quotes, which may go on over lines.
_VALUE = r'"((?:[^"\\]|\\.|\\\n)*)"'
_DOC = re.compile(rf"^(\w+)\[doc\] = {_VALUE}", re.MULTILINE)
_DEFAULT = re.compile(rf"^(\w+) \?\?= {_VALUE}", re.MULTILINE)
LONGEST_DEFAULT = 60


@dataclass(frozen=True, order=True)
class Variable:
    """One documented variable, in the file that documents it."""

    file: str
    name: str
    default: str
    meaning: str


def read() -> list[Variable]:
    """All of them, by file and name."""
    return sorted(found for kind in KINDS for path in LAYER.rglob(kind) for found in _in_file(path))


def page() -> str:
    """The page below its mark."""
    lines = []
    variables = read()
    for file in dict.fromkeys(variable.file for variable in variables):
        lines += ["", f"## [{Path(file).name}](../{file})", ""]
        lines += ["| variable | default | meaning |", "|---|---|---|"]
        lines += [_row(variable) for variable in variables if variable.file == file]
    return "\n".join(lines) + "\n"


def _in_file(path: Path) -> Iterator[Variable]:
    text = path.read_text(encoding="utf-8")
    defaults = {name: _joined(value) for name, value in _DEFAULT.findall(text)}
    for name, value in _DOC.findall(text):
        yield Variable(str(path.relative_to(LAYER)), name, defaults.get(name, ""), _joined(value))


def _joined(value: str) -> str:
    return re.sub(r"\s+", " ", value.replace("\\\n", "").replace('\\"', '"')).strip()


def _row(variable: Variable) -> str:
    default = f"`{variable.default}`" if variable.default else "empty"
    if len(default) > LONGEST_DEFAULT:
        default = "computed" if "${@" in default else "a list"
    cells = (f"`{variable.name}`", default, variable.meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
