# SPDX-License-Identifier: MIT
"""What users of the project read: strings of Python and C, and the lines of shell and BitBake files.

Comments and docstrings are not among them, and neither are single words, which are names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

# Comments and characters are passed over whole, so that a quote in them opens no string.
_C_STRING = re.compile(r"""/\*.*?\*/|//[^\n]*|'(?:[^'\\]|\\.)+'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_FORMAT = "{}"  # for the values in an f-string
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def of(name: str, text: str) -> Iterator[tuple[int, str]]:
    """The strings of a file with their lines; by its name and first line it is known what it is."""
    if name.endswith(".py") or re.match(r"#!.*python", text):
        found = _python(text)
    elif name.endswith((".c", ".h")):
        found = _c(text)
    else:
        found = _lines(text)
    for number, string in found:
        if " " in string.strip():
            yield number, string


def _python(text: str) -> Iterator[tuple[int, str]]:
    tree = ast.parse(text)
    passed = {id(part) for node in ast.walk(tree) for part in _not_shown(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(_value(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.lineno, node.value


def _not_shown(node: ast.AST) -> Iterator[ast.AST]:
    """Texts that stand alone, as docstrings do, and the pieces of f-strings, which come whole."""
    if isinstance(node, _DOCUMENTED):
        yield from (statement.value for statement in node.body if isinstance(statement, ast.Expr))
    elif isinstance(node, ast.JoinedStr):
        yield from node.values


def _value(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else _FORMAT


def _c(text: str) -> Iterator[tuple[int, str]]:
    for found in _C_STRING.finditer(text):
        if found[1]:
            yield text.count("\n", 0, found.start()) + 1, found[1]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#"):
            yield number, line
