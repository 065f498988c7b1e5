# SPDX-License-Identifier: MIT
"""Hints are instructions: each begins with a verb, or with where or when to do what the verb names."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
VERBS = frozenset(
    """
    add allow ask begin build change check choose clean close commit confine connect copy correct create
    declare decrypt delete enable export fetch find flash free get give inherit install join keep leave
    list log look lower make mark mount move name pack pass place protect push put quote raise read reboot
    remove repeat replace restore run save see send set shorten sign start switch trust try unmount update
    upgrade use wait write
    """.split()
)
# "in layer.conf, set X", "to make an export, run: ...", "if you trust it, run: ..."
_WHEN = re.compile(r"(?:in|to|if|for|where|with) [^,]+, (?=[a-z])")
_C_HINT = re.compile(r'pv_err_hint\([^"]*?"([^"]*)"|\bhint: ([^"\\]*)')
_TEXT_HINT = re.compile(r"\bhint: ([^\"\n]*)")


def texts(node: "ast.expr | None") -> Iterator[str]:
    """The texts that an expression may be, ``{}`` for what is put in; none of what another place makes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (text for branch in (node.body, node.orelse) for text in texts(branch))
    elif isinstance(node, ast.BoolOp):
        yield from (text for value in node.values for text in texts(value))
    elif isinstance(node, ast.BinOp):
        yield from texts(node.left)
    elif isinstance(node, ast.Dict):
        yield from (text for value in node.values for text in texts(value))


def position(function: ast.FunctionDef) -> "int | None":
    """Which argument the parameter ``hint`` is, if it has one."""
    names = [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]
    return names.index("hint") if "hint" in names else None


def positions(sources: "list[str]") -> "dict[str, int | None]":
    """Functions and errors of the project that take a hint, and which argument it is."""
    found: dict[str, int | None] = {"hint": 2}  # names.hint(word, known, otherwise)
    for node in (node for source in sources for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.ClassDef):
            makers = [item for item in node.body if isinstance(item, ast.FunctionDef)]
            own = [position(maker) for maker in makers if maker.name == "__init__"]
            found[node.name] = (own or [found.get(ast.unparse(base)) for base in node.bases] or [None])[0]
        elif isinstance(node, ast.FunctionDef) and position(node) is not None:
            found[node.name] = position(node)
    return found


def given(node: ast.AST, known: "dict[str, int | None]") -> "list[ast.expr]":
    """What is given as a hint here: by name, by position, or to a variable of that name."""
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
        at = known.get(name)
        named = [word.value for word in node.keywords if word.arg == "hint"]
        return named + ([] if at is None else node.args[at : at + 1])
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
        target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        return [node.value] if re.search(r"(?i)(?:^|_)hints?$", target) else []
    return []


def constants(sources: "list[str]", known: "dict[str, int | None]") -> "frozenset[str]":
    """Names of constants, and of tables, that are given as hints."""
    nodes = (node for source in sources for node in ast.walk(ast.parse(source)))
    words = (word for node in nodes for value in given(node, known) for word in ast.walk(value))
    return frozenset(word.id for word in words if isinstance(word, ast.Name) and word.id.isupper())


def hints_of(sources: "list[str]") -> "list[list[tuple[int, str]]]":
    """Of each Python source line and text of its hints, wherever they are written."""
    known = positions(sources)
    named = constants(sources, known)
    found: list[list[tuple[int, str]]] = []
    for source in sources:
        found.append([])
        for node in ast.walk(ast.parse(source)):
            values = given(node, known)
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None and not values:
                target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
                values = [node.value] if target in named else []
            written = (text for value in values for text in texts(value))
            found[-1] += [(node.lineno, text) for text in written if " " in text]
    return found


def is_instruction(text: str) -> bool:
    words = _WHEN.sub("", text, count=1).split()
    return bool(words) and words[0].rstrip(":,") in VERBS


def sources(*suffixes: str) -> Iterator[tuple[str, str]]:
    """What is delivered: name and text of the files with these suffixes."""
    folders = ("meta-pantavisor", "scripts", "kas/quickstart/lib", "kas/quickstart/classes")
    listed = subprocess.check_output(["git", "ls-files", "-z", *folders], cwd=PROJECT, text=True).split(
        "\0"
    )
    for name in listed:
        path = PROJECT / name
        if name and path.suffix in suffixes and "/test/" not in name and not path.is_symlink():
            yield name, path.read_text()


def every_hint() -> Iterator[tuple[str, str]]:
    python = list(sources(".py"))
    for (name, _), hints in zip(python, hints_of([text for _, text in python])):
        yield from ((f"{name}:{line}", hint) for line, hint in hints)
    for name, text in sources(".c", ".bbclass", ".bb", ".inc", ".sh", ""):
        if not text.startswith("#!") or "python" not in text.partition("\n")[0]:
            pattern = _C_HINT if name.endswith(".c") else _TEXT_HINT
            for match in pattern.finditer(text):
                yield name, next(group for group in match.groups() if group is not None)


def test_each_hint_is_an_instruction() -> None:
    if not (PROJECT / ".git").exists():
        pytest.skip("the files of the project are listed by git, and this is not a git repository")
    found = list(every_hint())
    assert len(found) > 250
    # What is put in whole, as "hint: %s", is written and tested elsewhere; an option follows a verb there.
    begun = [(place, re.sub(r"^[\s(;]*(?:hint: )?", "", text)) for place, text in found]
    wrong = [
        f"{place}: {text}"
        for place, text in begun
        if text and text[0] not in "{%$-" and not is_instruction(text)
    ]
    assert not wrong, "\n".join(["a hint begins with a verb (docs/style.md):", *wrong])


@pytest.mark.parametrize("text, good", [
    ("run: pvr init", True), ("in layer.conf, set X", True), ("if you trust it, run: export X", True),
    ("it holds a, b", False), ("letters and digits", False), ("a state holds plain files", False),
    ("at least 5 bytes", False), ("such as xz:3", False), ("in a state there are no links", False),
])  # fmt: skip
def test_a_statement_is_not_an_instruction(text: str, good: bool) -> None:
    assert is_instruction(text) is good


def test_hints_are_found_where_they_are_written() -> None:
    source = (
        'PLACE = "use it"\nraise E("x", hint=f"name {x}")\nh = 1\nhint = "do a" if x else "do b"\n'
        'findings.add("a", "b", "c", "it is wrong")\nraise E("x", hint=PLACE)\n'
        "class F:\n    def add(self, a, b, c, hint): pass\n"
    )
    assert sorted(hints_of([source])[0]) == [
        (1, "use it"), (2, "name {}"), (4, "do a"), (4, "do b"), (5, "it is wrong"),
    ]  # fmt: skip
