"""docs/floors.md against the imports in the code, read with ast; nothing is imported to find out."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

LAYER = Path(__file__).resolve().parents[2] / "meta-pantavisor"
LIBRARY = LAYER / "lib"
PACKAGE = LIBRARY / "pantavisor"
DOORS = ("pvbb", "pantavisor/cli/")
BITBAKE = ("errors", "cjson", "digest", "names", "atomic", "ref", "oci", "layout", "registry")
IO_MODULES = ("socket", "ssl", "http", "select", "selectors", "asyncio", "urllib.request", "socketserver", "ftplib")
NETWORK = ("pantavisor/registry/", "pantavisor/layout/daemon.py")
# Floors 0 and 1 are pure; these two are about files.
FILES = ("atomic", "digest")
IMPURE = (
    "os",
    "io",
    "pathlib",
    "shutil",
    "tempfile",
    "subprocess",
    "time",
    "random",
    "secrets",
    "socket",
    "threading",
    "logging",
)


class Import(NamedTuple):
    file: str
    line: int
    module: str
    """Dotted, absolute; ``from x import y`` is ``x.y`` where that may be a module of ours."""


def files() -> list[Path]:
    return sorted(path for path in LIBRARY.rglob("*.py") if "__pycache__" not in path.parts)


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path), feature_version=(3, 9))


def name_of(path: Path) -> str:
    return path.relative_to(LIBRARY).as_posix()


def imports(path: Path) -> Iterator[Import]:
    package = list(path.relative_to(LIBRARY).parts[:-1])
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name_of(path), node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(name_of(path), node.lineno, f"{base}.{alias.name}")


def all_imports() -> list[Import]:
    return [found for path in files() for found in imports(path)]


def unit(dotted: str) -> str:
    """pantavisor.<unit>...; empty for anything else."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "pantavisor" and len(parts) > 1 else ""


def floors() -> dict[str, int]:
    found: dict[str, int] = {}
    for line in (LAYER / "docs/floors.md").read_text().splitlines():
        row = re.match(r"\| (\d)[^|]*\|([^|]*)\|", line)
        for word in re.findall(r"`(\w+)`", row[2]) if row else ():
            assert word not in found, f"{word} stands on two floors"
            found[word] = int(row[1]) if row else 0
    return found


def test_every_module_stands_on_one_floor_and_every_floor_exists() -> None:
    assert len(floors()) > 20
    assert {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    } == set(floors())


def test_imports_point_down() -> None:
    table = floors()
    up = []
    for found in all_imports():
        own = unit(found.file.removesuffix(".py").replace("/", "."))
        other = unit(found.module)
        if own in table and other in table and table[other] > table[own]:
            up.append(f"{found.file}:{found.line}: {own} ({table[own]}) imports {other} ({table[other]})")
    assert up == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph: dict[str, set[str]] = {}
    for found in all_imports():
        own, other = unit(found.file.removesuffix(".py").replace("/", ".")), unit(found.module)
        if own and other in floors() and own != other:
            graph.setdefault(own, set()).add(other)
    done: set[str] = set()

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above, name))
        if name not in done:
            for other in sorted(graph.get(name, ())):
                walk(other, (*above, name))
            done.add(name)

    for name in sorted(graph):
        walk(name, ())


def outside(module: str) -> bool:
    root = module.split(".")[0]
    return root not in sys.stdlib_module_names and root not in ("pantavisor", "pvbb")


def test_only_keys_imports_cryptography() -> None:
    users = {found.file for found in all_imports() if found.module.split(".")[0] == "cryptography"}
    assert users and all(name.startswith("pantavisor/keys") for name in users)


def test_cryptography_is_imported_where_it_is_used_and_not_before() -> None:
    for path in files():
        for node in syntax(path).body:
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(module.startswith("cryptography") for module in modules), name_of(path)


def test_only_bitbakes_door_imports_bb() -> None:
    users = {found.file for found in all_imports() if found.module.split(".")[0] in ("bb", "oe")}
    assert users and all(name.startswith("pvbb/") for name in users)


def test_packages_from_elsewhere_are_few_and_known() -> None:
    allowed = {"cryptography": "keys", "pkcs11": "keys", "backports": "layers", "bb": "pvbb"}
    for found in all_imports():
        if outside(found.module):
            root = found.module.split(".")[0]
            assert allowed.get(root) in found.file.split("/"), f"{found.file}:{found.line} imports {root}"


def test_only_registry_and_the_daemon_reader_open_sockets() -> None:
    users = [
        found for found in all_imports()
        if any(f"{found.module}.".startswith(f"{module}.") for module in IO_MODULES) and not found.file.startswith(NETWORK)
    ]  # fmt: skip
    assert users == []


def test_only_the_front_doors_print_or_read_the_environment() -> None:
    found = []
    for path in files():
        name = name_of(path)
        for node in ast.walk(syntax(path)):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "input")
            reached = isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv", "putenv", "expanduser")
            stream = (
                isinstance(node, ast.Attribute)
                and node.attr in ("stdout", "stderr", "argv")
                and (isinstance(node.value, ast.Name) and node.value.id == "sys")
            )
            if (called or reached or stream) and not name.startswith(DOORS) and name != "pantavisor/__main__.py":
                found.append(f"{name}:{getattr(node, 'lineno', 0)}")
    assert found == []


def test_nothing_changes_the_working_directory_or_runs_a_shell() -> None:
    for path in files():
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("chdir", "fchdir", "system", "popen"), f"{name_of(path)}:{node.lineno}"
            if isinstance(node, ast.keyword) and node.arg == "shell":
                raise AssertionError(f"{name_of(path)}:{node.value.lineno} names shell=")


def test_the_pure_floors_import_nothing_that_acts() -> None:
    pure = {name for name, floor in floors().items() if floor <= 1} - set(FILES)
    found = [
        found for found in all_imports()
        if unit(found.file.removesuffix(".py").replace("/", ".")) in pure and found.module.split(".")[0] in IMPURE
    ]  # fmt: skip
    assert found == []
    opened = [
        f"{name_of(path)}:{node.lineno}"
        for path in files() if unit(name_of(path).removesuffix(".py").replace("/", ".")) in pure
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "exec", "eval")
    ]  # fmt: skip
    assert opened == []


def test_the_verifier_shares_only_formats_with_the_writers() -> None:
    table = floors()
    for found in all_imports():
        if found.file.startswith("pantavisor/audit/") and unit(found.module) in table:
            other = unit(found.module)
            assert other == "audit" or table[other] <= 1 or other == "keys", f"{found.file}:{found.line} uses {other}"


def reached_by_bitbake() -> set[str]:
    """Units of the library that BitBake's own process loads, at the head of modules or inside functions."""
    found = {unit(item.module) for item in all_imports() if item.file.startswith("pvbb/")} - {""}
    while True:
        more = {
            unit(item.module) for item in all_imports()
            if unit(item.file.removesuffix(".py").replace("/", ".")) in found
        } - {"", "__version__"} - found  # fmt: skip
        if not more:
            return found
        found |= more


def test_bitbakes_own_process_needs_the_standard_library_only() -> None:
    assert reached_by_bitbake() <= set(BITBAKE)
    for item in all_imports():
        if item.file.startswith("pvbb/") or unit(item.file.removesuffix(".py").replace("/", ".")) in BITBAKE:
            assert not outside(item.module) or item.module.split(".")[0] == "bb", f"{item.file}:{item.line}: {item.module}"


def test_the_modules_of_bitbake_load_without_any_installed_package() -> None:
    code = "import " + ", ".join(f"pantavisor.{name}" for name in BITBAKE)
    # -I and -S: no site-packages, so what is not the standard library is not there.
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(LIBRARY)!r}); {code}"], check=True, timeout=30
    )


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_a_module_is_python_3_9_with_late_annotations_and_a_docstring(path: Path) -> None:
    tree = syntax(path)
    if not tree.body:
        return
    assert ast.get_docstring(tree), "no docstring"
    if any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in tree.body):
        assert "from __future__ import annotations" in path.read_text()


def test_no_function_holds_mutable_defaults() -> None:
    for path in files():
        for node in ast.walk(syntax(path)):
            if isinstance(node, ast.FunctionDef):
                for default in [*node.args.defaults, *node.args.kw_defaults]:
                    assert not isinstance(default, (ast.List, ast.Dict, ast.Set)), f"{name_of(path)}:{node.lineno}"
