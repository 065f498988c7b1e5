# SPDX-License-Identifier: MIT
"""Public functions name the errors that a caller can act on: their own, and those of the private helpers
below them, or what these are kinds of. What is named exists.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "meta-pantavisor" / "lib" / "pantavisor"
# What is raised in cli goes to the user.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "cli")
FOREIGN = {"LZMAError"}  # of the standard library, and none of builtins
ANY = {"PantavisorError", "Exception", "BaseException"}  # any of these catches all of ours


@dataclass
class Function:
    """A function or method: errors that leave it by itself, and the functions whose errors do, each with
    what is caught on the way.
    """

    node: ast.FunctionDef
    errors: set[str] = field(default_factory=set)
    calls: set[tuple[str, frozenset[str]]] = field(default_factory=set)

    @property
    def gives(self) -> str:
        """What it returns, such as the error that a factory makes."""
        return ast.unparse(self.node.returns).strip("'\"") if self.node.returns else ""


def is_ours(name: str) -> bool:
    return name[:1].isupper() and not isinstance(getattr(builtins, name, None), type)


def last_name(node: ast.expr) -> str:
    return ast.unparse(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]


def caught_by(node: ast.Try) -> Iterator[str]:
    for handler in node.handlers:
        for kind in handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]:
            yield last_name(kind) if kind is not None else "BaseException"


def exits(node: ast.AST, caught: frozenset[str]) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """Each ``raise`` and call below ``node``, with what is caught around it."""
    if isinstance(node, ast.Try):
        for part in node.body:
            yield from exits(part, caught | set(caught_by(node)))
        rest: list[ast.AST] = [*node.handlers, *node.orelse, *node.finalbody]
    else:
        if isinstance(node, (ast.Raise, ast.Call)):
            yield node, caught
        rest = list(ast.iter_child_nodes(node))
    for part in rest:
        yield from exits(part, caught)


def callee(node: ast.Call, scope: str) -> str:
    """The function of the module that is called, as ``scan`` names it."""
    if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("self", "cls"):
        return f"{scope}.{node.func.attr}"
    return node.func.id if isinstance(node.func, ast.Name) else ""


def scan(text: str) -> dict[str, Function]:
    """Every function of a module, by ``name`` or ``Class.name``."""
    tree = ast.parse(text)
    scopes = [("", tree), *((node.name, node) for node in tree.body if isinstance(node, ast.ClassDef))]
    found = {
        f"{scope}.{node.name}".lstrip("."): Function(node)
        for scope, holder in scopes
        for node in holder.body
        if isinstance(node, ast.FunctionDef)
    }
    for name, function in found.items():
        for part in function.node.body:
            for node, caught in exits(part, frozenset()):
                _note(function, node, caught, name.rpartition(".")[0], found)
    return found


def _note(
    function: Function,
    node: ast.AST,
    caught: frozenset[str],
    scope: str,
    found: dict[str, Function],
) -> None:
    if isinstance(node, ast.Raise) and node.exc is not None:
        factory = callee(node.exc, scope) if isinstance(node.exc, ast.Call) else ""
        error = found[factory].gives if factory in found else last_name(node.exc)
        if is_ours(error) and not caught & {error, *ANY}:
            function.errors.add(error)
    elif isinstance(node, ast.Call) and callee(node, scope) in found:
        function.calls.add((callee(node, scope), caught))


def leaving(name: str, found: dict[str, Function], seen: Union[set[str], None] = None) -> set[str]:
    """The errors that leave a function, by way of private helpers too."""
    seen = seen if seen is not None else set()
    seen.add(name)
    errors = set(found[name].errors)
    for helper, caught in found[name].calls:
        if helper.rpartition(".")[2].startswith("_") and helper not in seen:
            deeper = leaving(helper, found, seen)
            errors |= {error for error in deeper if not caught & {error, *ANY}}
    return errors


def errors_with_kinds() -> dict[str, set[str]]:
    """Each error of the library, with what it is a kind of, itself included."""
    bases: dict[str, list[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [last_name(base) for base in node.bases]

    def kinds(name: str) -> set[str]:
        return {name}.union(*(kinds(base) for base in bases.get(name, ())))

    return {name: found for name in bases if {"Exception", "OSError"} & (found := kinds(name))}


KINDS = errors_with_kinds()
NAMED = re.compile(rf"\b(?:[A-Z][A-Za-z]*Error|{'|'.join(KINDS)})\b")


def unnamed(text: str) -> Iterator[tuple[int, str, set[str]]]:
    """Public functions with the errors that leave them and are not in their docstrings."""
    found = scan(text)
    for name, function in found.items():
        if not re.search(r"(^|\.)_", name):
            named = set(NAMED.findall(ast.get_docstring(function.node) or ""))
            errors = {error for error in leaving(name, found) if not named & KINDS.get(error, {error})}
            if errors:
                yield function.node.lineno, name, errors


def unknown(text: str) -> Iterator[tuple[int, str, set[str]]]:
    """Functions with what their docstrings name as errors and no module has."""
    for name, function in scan(text).items():
        named = NAMED.findall(ast.get_docstring(function.node) or "")
        wrong = {word for word in named if word not in KINDS and not hasattr(builtins, word)}
        if wrong - FOREIGN:
            yield function.node.lineno, name, wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_public_functions_name_the_errors_that_a_caller_can_act_on(path: Path) -> None:
    assert [f"{path}:{line} {name}: {errors}" for line, name, errors in unnamed(path.read_text())] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_errors_that_are_named_exist(path: Path) -> None:
    assert [f"{path}:{line} {name}: {words}" for line, name, words in unknown(path.read_text())] == []


def test_errors_are_seen_through_private_helpers_and_factories_unless_they_are_caught() -> None:
    text = '''
class Box:
    def read(self):
        return self._deeper()
    def _deeper(self):
        raise _error("x")
def _error(text) -> FormatError:
    return FormatError(text)
def first():
    """Does it."""
    return _second()
def _second():
    _second()
    raise errors.NotFound("x")
def named():
    """Does it. Raises NotFound."""
    _second()
def safe():
    try:
        return _second()
    except (OSError, PantavisorError):
        return None
def kind():
    """Does it. Raises FormatError."""
    raise LimitError("x")
def other():
    """Does it. Raises DigestError, NoSuchError."""
    raise FormatError("x")
'''
    assert [(name, errors) for _, name, errors in unnamed(text)] == [
        ("first", {"NotFound"}),
        ("other", {"FormatError"}),
        ("Box.read", {"FormatError"}),
    ]
    assert [(name, words) for _, name, words in unknown(text)] == [("other", {"NoSuchError"})]
