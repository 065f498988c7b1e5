# SPDX-License-Identifier: MIT
"""Limits of time in tests end what hangs; they measure nothing, because machines are slow and busy.

A limit is at most a second, and meant to run out, or as long as no machine needs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
LONGEST_TO_RUN_OUT, SHORTEST_TO_HOLD = 1, 600
WAITING = {"wait", "join", "communicate"}


def limits(tree: ast.Module) -> Iterator[ast.expr]:
    """What is given as a time to wait, and the constants of a module that are named so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (word.value for word in node.keywords if word.arg == "timeout")
            if isinstance(node.func, ast.Attribute) and node.func.attr in WAITING:
                yield from node.args[:1]
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith(
            ("TIMEOUT_SECONDS", "_SECONDS")
        ):
            yield node.value


def tight(source: str) -> list[int]:
    """Lines with a limit that a busy machine breaks."""
    numbers = [value for value in limits(ast.parse(source)) if isinstance(value, ast.Constant)]
    return [
        value.lineno
        for value in numbers
        if isinstance(value.value, (int, float)) and LONGEST_TO_RUN_OUT < value.value < SHORTEST_TO_HOLD
    ]


def test_no_limit_is_one_that_a_busy_machine_breaks() -> None:
    texts = {path.relative_to(TESTS): path.read_text() for path in sorted(TESTS.rglob("*.py"))}
    found = [f"{path}:{line}" for path, text in texts.items() for line in tight(text)]
    assert found == [], f"give at least {SHORTEST_TO_HOLD} seconds"


def test_tight_limits_are_found() -> None:
    source = (
        "run(x, timeout=20)\nchild.wait(3)\nBOOT_SECONDS = 90\nrun(x, timeout=0.1)\n"
        "run(x, timeout=600)\n', '.join(x)\n"
    )
    assert sorted(tight(source)) == [1, 2, 3]
