# SPDX-License-Identifier: MIT
"""docs/floors.md against the real imports, and who alone may do what."""

import ast
import functools
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

LAYER = Path(__file__).resolve().parents[2] / "meta-pantavisor"
PACKAGE = LAYER / "lib" / "pantavisor"
GLUE = LAYER / "lib" / "pvbb"
FILES = sorted(PACKAGE.rglob("*.py"))
TESTS = Path(__file__).resolve().parents[1]
# Where the paths of floors.md begin.
ROOTS = (LAYER, LAYER / "docs", LAYER.parent)
# What BitBake's own process imports has nothing but the standard library.
PLAIN = {
    "errors", "cjson", "digest", "names", "atomic", "regular", "libzstd", "codecs", "tar", "ref", "oci",
    "cache", "unixhttp", "layout", "http", "registry", "manifests", "state",
}  # fmt: skip
# Python 3.9 has no list of its own modules.
LIBRARY = os.path.dirname(os.__file__)
STANDARD = getattr(sys, "stdlib_module_names", None) or {
    *sys.builtin_module_names,
    *(found.name for found in pkgutil.iter_modules([LIBRARY, f"{LIBRARY}/lib-dynload"])),
}
# Modules whose purpose is files are on floor 0 all the same.
TOUCH_FILES = {"atomic", "beneath", "digest", "regular"}


def documented() -> "dict[str, int]":
    """Module -> floor, as the page says."""
    floors = {}
    for line in (LAYER / "docs" / "floors.md").read_text().splitlines():
        row = re.match(r"\| (\d)[^|]*\|([^|]*)\|", line)
        for name in re.findall(r"`(\w+)`", row[2]) if row else ():
            floors[name] = int(row[1]) if row else 0
    return floors


FLOORS = documented()


def test_the_drawing_of_the_readme_has_the_same_floors() -> None:
    drawing = (LAYER.parent / "README.md").read_text().partition("## The floors")[2].split("```")[1]
    rows = dict(re.findall(r"^ (\d) +(.*)$", drawing, re.MULTILINE))
    drawn = {
        name: int(floor)
        for floor, row in rows.items()
        for name in re.findall(r"\w+", row)
        if name in FLOORS
    }
    assert drawn == FLOORS


@functools.cache
def walked(path: Path) -> "tuple[ast.AST, ...]":
    return tuple(ast.walk(ast.parse(path.read_text())))


def test_the_runtime_has_the_floors_of_its_page_and_includes_point_down() -> None:
    sources = LAYER / "recipes-pv/pantavisor/pantavisor/src"
    table = (LAYER / "docs" / "runtime.md").read_text().partition("## Floors")[2].partition("\n`struct")[0]
    rows = re.findall(r"^\| (\d)[^|]*\|(.*)\|$", table, re.M)
    floors = {name: int(floor) for floor, row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(floors) == {path.stem for path in sources.glob("*.c")}
    for path in sources.glob("*.[ch]"):
        for name in re.findall(r'^#include "(\w+)\.h"', path.read_text(), re.M):
            above = path.stem in floors and floors.get(name, 0) > floors[path.stem]
            assert not above, f"{path.name} includes {name}.h from above"


def test_each_source_of_the_runtime_has_its_header_and_includes_it_first() -> None:
    """What calls it has no other way to it. A program begins in a source that nothing calls."""
    for path in sorted(LAYER.glob("recipes-pv/pantavisor/pantavisor/*/*.c")):
        text = path.read_text()
        if path.parent.name in ("src", "pv-sdk", "pvcontrol") and not re.search(r"^int main\(", text, re.M):
            first = re.search(r'^#include [<"](.*)[>"]', text, re.M)
            assert first and first[1] == f"{path.stem}.h", path


def test_where_a_change_belongs_is_a_place_that_exists() -> None:
    page = (
        (LAYER / "docs" / "floors.md")
        .read_text()
        .partition("## To change something")[2]
        .partition("\n## ")[0]
    )
    rows = re.findall(r"^\|(?! to add|---).*\|(.*)\|$", page, re.M)
    assert len(rows) >= 60
    runtime = {path.stem for path in LAYER.glob("recipes-pv/pantavisor/pantavisor/src/*.c")}
    for row in rows:
        library, _, device = row.partition("the runtime's")
        for name in re.findall(r"`(\w+)`", library):
            assert name in FLOORS or name == "pvbb" or name.endswith(".json"), row
        assert set(re.findall(r"`(\w+)`", device)) <= runtime, row
        for path in re.findall(r"(?<![\w`/])[\w.-]+/[\w./-]*[\w/]|\b[\w-]+\.md\b", row):
            assert any((root / path).exists() for root in ROOTS), f"{path}: {row}"


def module_of(path: Path) -> str:
    """The module of the floor table that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> "Iterator[tuple[str, bool, int]]":
    """Each import of a file: its dotted name, whether it is one of ours, its line."""
    folder = path.relative_to(PACKAGE).parent.parts
    for node in walked(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, False, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module), False, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1]
            for alias in node.names:
                yield ".".join(filter(None, [*base, node.module, alias.name])), True, node.lineno


def uses(path: Path) -> "Iterator[tuple[str, int]]":
    """Dotted names that a file mentions, such as ``os.environ``, and plain calls such as ``print``."""
    for node in walked(path):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}", node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield f"{node.func.id}()", node.lineno


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(LAYER.parent)}:{line}"


def test_modules_of_one_name_are_those_that_the_page_explains() -> None:
    rules = (LAYER / "docs" / "floors.md").read_text().partition("\n## Names")[2].partition("\n## ")[0]
    explained = set(re.findall(r"`(\w+)`", rules)) - {"pvr", "ls"}
    recipes = (PACKAGE.parent / "pvbb").glob("*.py")
    found = Counter(path.stem for path in (*FILES, *recipes) if path.stem != "__init__")
    several = {name for name, times in found.items() if times > 1}
    assert several - explained == set(), "give one of them another name, or explain both in docs/floors.md"
    assert explained - several - set(FLOORS) == set(), "explained, but not twice in the library"


def test_every_module_has_a_floor_and_every_floor_a_module() -> None:
    modules = {module_of(path) for path in FILES} - {"__init__", "__main__"}
    assert modules - set(FLOORS) == set(), "not in docs/floors.md"
    assert set(FLOORS) - modules == set(), "in docs/floors.md, but not there"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    own = module_of(path)
    if own in ("__init__", "__main__"):
        return
    for name, ours, line in imported(path):
        other = name.split(".")[0]
        if name.startswith("pantavisor"):
            raise AssertionError(f"{where(path, line)} imports {name} by its absolute name")
        if ours and other in FLOORS:
            assert FLOORS[other] <= FLOORS[own], f"{where(path, line)} imports {other} from above"


def test_no_circles() -> None:
    edges: dict[str, set[str]] = {}
    for path in FILES:
        for name, ours, _ in imported(path):
            other = name.split(".")[0]
            if ours and other in FLOORS and other != module_of(path):
                edges.setdefault(module_of(path), set()).add(other)
    settled: set[str] = set()
    while left := {
        module for module in FLOORS if module not in settled and edges.get(module, set()) <= settled
    }:
        settled |= left
    assert set(FLOORS) - settled == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_who_may_import_what(path: Path) -> None:
    module = module_of(path)
    for name, ours, line in imported(path):
        top = name.split(".")[0]
        if ours:
            continue
        assert top != "bb", f"{where(path, line)}: only pvbb imports bb"
        if top in ("cryptography", "pkcs11"):
            assert module == "keys", f"{where(path, line)}: only keys imports {top}"
        if top in ("socket", "ssl", "http", "urllib") and name != "urllib.parse":
            assert module in ("http", "unixhttp"), (
                f"{where(path, line)}: only http and unixhttp open sockets"
            )
        if top == "subprocess":
            # Credential helpers are asked by BitBake's process too, before anything else is there.
            allowed = module == "proc" or path.relative_to(PACKAGE).as_posix() == "registry/credentials.py"
            assert allowed, f"{where(path, line)}: only proc runs programs"
        standard = top in STANDARD
        assert standard or module not in PLAIN, f"{where(path, line)}: {module} is standard library only"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_who_may_print_and_read_the_environment(path: Path) -> None:
    module = module_of(path)
    for name, line in uses(path):
        if name in (
            "print()", "input()", "os.environ", "os.getenv", "os.environb", "sys.stdout", "sys.stderr",
        ):  # fmt: skip
            assert module in ("cli", "__main__"), f"{where(path, line)}: only the front doors use {name}"
        if FLOORS.get(module, 9) <= 1 and module not in TOUCH_FILES:
            pure = name not in (
                "open()", "os.open", "time.time", "time.monotonic", "datetime.now", "os.listdir",
            )  # fmt: skip
            assert pure, f"{where(path, line)}: floors 0 and 1 are pure, but {module} uses {name}"


def test_cryptography_is_imported_only_when_it_is_called() -> None:
    for path in PACKAGE.joinpath("keys").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            assert not any(name.startswith(("cryptography", "pkcs11")) for name in names), where(
                path, node.lineno
            )


def test_the_glue_alone_knows_bitbake_and_needs_nothing_else() -> None:
    for path in GLUE.glob("*.py"):
        for node in walked(path):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            for name in names:
                top, _, rest = name.partition(".")
                if top == "pantavisor":
                    parts = (
                        [rest.split(".")[0]]
                        if rest
                        else [alias.name for alias in getattr(node, "names", [])]
                    )
                    assert set(parts) <= PLAIN | {"__version__"}, (
                        f"{where(path, node.lineno)} imports {parts}"
                    )
                else:
                    assert top in STANDARD | {"bb", "oe", "pvbb"}, (
                        f"{where(path, node.lineno)} imports {name}"
                    )


@pytest.mark.parametrize("path", [*FILES, *sorted(GLUE.glob("*.py"))], ids=lambda path: path.name)
def test_the_syntax_is_that_of_python_39(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 9))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_say_what_they_are(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "no docstring"


def test_the_modules_of_bitbake_load_without_any_installed_package() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import " + ", ".join(
        f"pantavisor.{name}" for name in sorted(PLAIN)
    )
    # -I and -S: without site-packages only the standard library is there.
    subprocess.run([sys.executable, "-I", "-S", "-c", code, str(PACKAGE.parent)], check=True, timeout=600)


def test_readers_and_verifier_share_only_formats_keys_and_processes_with_the_writers() -> None:
    for room, shared in (("readers", {"readers"}), ("audit", {"audit", "readers", "keys", "proc"})):
        for path in PACKAGE.joinpath(room).rglob("*.py"):
            for name, ours, line in imported(path):
                other = name.split(".")[0]
                if ours and other in FLOORS:
                    assert FLOORS[other] <= 1 or other in shared, f"{where(path, line)} uses {other}"


def test_only_the_tests_of_the_verifier_know_its_insides() -> None:
    """``inspect`` and the tests of other things look at artefacts through ``readers``."""
    known = re.compile(
        r"from (?:pantavisor\.|\.\.?)audit(?:\.\w+)? import (?!verify|AuditError|Finding|Report)"
    )
    others = [path for path in FILES if module_of(path) != "audit"]
    others += [path for path in TESTS.rglob("*.py") if not re.match(r"(test_)?(audit|many)", path.name)]
    assert [where(path, 0) for path in others if known.search(path.read_text())] == []


# Of a command's modules each has the name of its noun; the pages of a command are its help.
LISTED = sorted(
    path
    for path in (*PACKAGE.glob("*/__init__.py"), LAYER / "lib/pvbb/__init__.py")
    if path.parent.name != "cli"
)


@pytest.mark.parametrize("path", LISTED, ids=lambda path: path.parent.name)
def test_each_package_lists_its_modules(path: Path) -> None:
    """A line of the list: one name or several, two blanks, what they are."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    lines = re.findall(r"^(?:    )?((?:\w+ )*\w+)  +\S", text, re.M)
    modules = {module.stem for module in path.parent.glob("*.py")} - {"__init__", "__main__"}
    assert sorted(" ".join(lines).split()) == sorted(modules), f"name its modules at the top of {path}"


def test_nothing_runs_a_shell_changes_the_directory_or_shares_a_default() -> None:
    for path in [*FILES, *sorted(GLUE.glob("*.py"))]:
        for node in walked(path):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("chdir", "fchdir", "system", "popen"), where(path, node.lineno)
            elif isinstance(node, ast.keyword):
                assert node.arg != "shell", where(path, node.value.lineno)
            elif isinstance(node, ast.FunctionDef):
                defaults = [*node.args.defaults, *node.args.kw_defaults]
                shared = [
                    default for default in defaults if isinstance(default, (ast.List, ast.Dict, ast.Set))
                ]
                assert not shared, where(path, node.lineno)


def test_classes_that_a_caller_imports_have_names_of_their_own() -> None:
    """``readers`` know by code of their own what others write, and so in the same words."""
    found: dict[str, set[type]] = {}
    for room in sorted(set(FLOORS) - {"readers", "cli"}):
        module = importlib.import_module(f"pantavisor.{room}")
        names = getattr(module, "__all__", None) or [name for name in vars(module) if name[0] != "_"]
        for value in (getattr(module, name) for name in names):
            if isinstance(value, type) and value.__module__.startswith("pantavisor."):
                found.setdefault(value.__name__, set()).add(value)
    assert len(found) > 100
    assert [classes for classes in found.values() if len(classes) > 1] == []
