# SPDX-License-Identifier: MIT
"""No conditional expression is part of another, in Python or in C."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
RUNTIME = PROJECT / "meta-pantavisor/recipes-pv/pantavisor/pantavisor"
FOLDERS = ("meta-pantavisor/lib", "kas/quickstart/lib", "scripts", "tests")
# Comments, strings and characters of C.
NO_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.DOTALL)


def in_python(text: str) -> Iterator[int]:
    """Lines on which a conditional expression holds another."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.IfExp) and any(
            isinstance(part, ast.IfExp) for part in ast.walk(node) if part is not node
        ):
            yield node.lineno


def in_c(text: str) -> Iterator[int]:
    """Lines with a ``?`` inside an expression that another ``?`` began, or right before one."""
    code = NO_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    # For each bracket that is open: whether a ``?`` has begun an expression that goes on.
    begun = [False]
    for place, char in enumerate(code):
        if char in "([":
            begun.append(False)
        elif char in ")]" and len(begun) > 1:
            begun.pop()
        elif char == ",":
            begun[-1] = False
        elif char in ";{}":
            begun = [False]
        elif char == "?":
            if any(begun):
                yield code.count("\n", 0, place) + 1
            begun[-1] = True


def python_sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (PROJECT / folder).rglob("*.py")
    scripts = (path for path in (PROJECT / "scripts").iterdir() if path.is_file() and not path.suffix)
    yield from (path for path in scripts if b"python" in path.read_bytes().partition(b"\n")[0])


def places(paths: Iterable[Path], seek: Callable[[str], Iterator[int]]) -> list[str]:
    texts = {path.relative_to(PROJECT): path.read_text() for path in sorted(paths)}
    assert len(texts) > 100
    return [f"{path}:{line}" for path, text in texts.items() for line in seek(text)]


def test_none_is_nested_in_python() -> None:
    assert places(python_sources(), in_python) == []


def test_none_is_nested_in_c() -> None:
    assert places(RUNTIME.rglob("*.[ch]"), in_c) == []


@pytest.mark.parametrize(
    "text",
    ["x = a ? b : c ? d : e;", "x = f(a ? b : c, g(d ? e ? 1 : 2 : 3));", "x = a ? f(b ? c : d) : e;"],
)
def test_a_nested_one_of_c_is_seen(text: str) -> None:
    assert list(in_c(f"/* ? */\n{text}")) == [2]


@pytest.mark.parametrize(
    "text",
    [
        "x = a ? b : c;\ny = d ? e : f;",
        "f(a ? b : c, d ? e : f);",
        "x = a ? \"?\" : '?';",
        "f(a ? b : c) ? d : e;",
    ],
)
def test_two_of_c_next_to_each_other_are_not_nested(text: str) -> None:
    assert list(in_c(text)) == []
