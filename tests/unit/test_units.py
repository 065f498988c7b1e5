# SPDX-License-Identifier: MIT
"""Sizes and times that public functions take have their unit in the docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "meta-pantavisor" / "lib" / "pantavisor"
# What cli takes are words of the user, which its help explains.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "cli")
NUMBERS = {
    "size",
    "limit",
    "length",
    "offset",
    "position",
    "memory",
    "epoch",
    "mtime",
    "timeout",
    "deadline",
}
UNITS = re.compile(r"\b(?:bytes?|sectors?|blocks?|seconds?|entries|SOURCE_DATE_EPOCH)\b")


def vague(text: str) -> Iterator[str]:
    """Functions with a number whose unit is to be guessed."""
    for holder in ast.walk(ast.parse(text)):
        if isinstance(holder, (ast.Module, ast.ClassDef)) and not getattr(holder, "name", "").startswith(
            "_"
        ):
            for node in holder.body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    given = {item.arg for item in (*node.args.args, *node.args.kwonlyargs)}
                    if given & NUMBERS and not UNITS.search(ast.get_docstring(node) or ""):
                        yield f"{node.name}({', '.join(sorted(given & NUMBERS))})"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_numbers_have_a_unit(path: Path) -> None:
    assert list(vague(path.read_text())) == []


def test_a_number_without_a_unit_is_found() -> None:
    assert list(vague('def read(size: int) -> bytes:\n    """A part of it."""')) == ["read(size)"]
    assert list(vague('def read(size: int) -> bytes:\n    """``size`` bytes of it."""')) == []
