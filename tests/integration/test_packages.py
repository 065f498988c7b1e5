# SPDX-License-Identifier: MIT
"""scripts/lib/packages.txt is complete: every program that the project calls belongs to a package that it
brings.

A machine that has a program for another reason hides that it is missing on the next one. So the programs
are read from the sources, and the installed package of each must be one of the list, one that these depend
on, or an essential one. Programs that are not installed here are left to the tests that call them.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sim import tools

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = "/usr/sbin:/usr/bin:/sbin:/bin"
# Functions whose first argument is the name of a program.
CALLS = ("find", "has", "miss", "need", "run", "which", "_run")
FIELDS = ("${Package}", "${Essential}", "${Pre-Depends}, ${Depends}", "${Provides}", "${db:Status-Status}")
# Words that are not calls of the programs of these names, all over or in one file.
WORDS = {
    "file": "file://, a kind of entry",
    "go": "a mode of chmod",
    "init": "the device's, and pvr's",
    "kill": "the shell's own",
    "man": "a folder",
    "npm": "a kind of package",
    "pip": ".venv has it",
    "reboot": "a GRUB module",
    "runlevel": "a key of run.json",
    "scripts/fuzz: clang": "for who looks for inputs by hand; its help names the package",
    "scripts/quickstart: curl": "proposed to the reader",
    "scripts/quickstart: look": "prose",
    "scripts/quickstart: write": "prose",
    "scripts/lib/image_lock/cli.py: write": "prose",
    "tests/oecore/boards.py: pseudo": "its absence is named by the test",
    "tests/oecore/kernels.py: pseudo": "its absence is named by the test",
    "tests/oecore/test_image_container.py: pseudo": "its absence is named by the test",
    "tests/bench/bench_device.py: lz4": "a codec",
    "tests/oecore/test_image_packages.py: pseudo": "its absence is named by the test",
    "tests/oecore/packages/recipes-packages/host/pseudo-native.bb: pseudo": "the recipe of that test",
    "scripts/setup: write": "prose",
    "scripts/setup: systemctl": "called where systemd runs",
    "scripts/setup: systemd": "a folder of it",
    "meta-pantavisor/classes/pantavisor-tool.bbclass: write": "prose",
    "meta-pantavisor/classes/pantavisor-kernel.bbclass: lz4": "a codec",
    "meta-pantavisor/classes/pvr-container.bbclass: xz": "a codec",
    "sudo": "the way of users who are not root, if their machine has it",
    "time": "prose",
    "w": "a mode of open",
}


def called() -> dict[str, set[str]]:
    """Words that may be programs, each with the files that have it."""
    names = tools.run("git", "-C", PROJECT, "ls-files", "-z").split("\0")
    found: dict[str, set[str]] = {}
    for name in names:
        path = PROJECT / name
        # What is below these runs on the device, on no machine, or with the tools of openembedded-core.
        if (
            name.startswith(
                (
                    "kas/quickstart/demo/",
                    "tests/vectors/",
                    "tests/fuzz/corpus/",
                    "meta-pantavisor/fallback/",
                )
            )
            or not path.is_file()
        ):
            continue
        for word in words(path):
            if word not in WORDS and f"{name}: {word}" not in WORDS:
                found.setdefault(word, set()).add(name)
    return found


def words(path: Path) -> Iterator[str]:
    head = path.read_bytes()[:80].split(b"\n")[0]
    if path.suffix == ".py" or (head.startswith(b"#!") and b"python" in head):
        yield from python_words(path.read_text())
    elif head.startswith(b"#!") or path.suffix in (".bb", ".bbclass", ".sh"):
        for line in path.read_text().splitlines():
            yield from re.findall(r"[A-Za-z0-9_.+-]+", re.sub(r"(^|\s)#.*", "", line))
    elif path.name == "Makefile":
        yield "make"


def python_words(text: str) -> Iterator[str]:
    """First words of lists and tuples, and of calls of CALLS."""
    for node in ast.walk(ast.parse(text)):
        first: object = None
        if isinstance(node, (ast.List, ast.Tuple)) and node.elts:
            first = node.elts[0]
        elif isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0] if name in CALLS else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


class Installed:
    """The packages of this machine."""

    def __init__(self) -> None:
        self.needs: dict[str, list[list[str]]] = {}
        self.provided: dict[str, list[str]] = {}
        self.essential: list[str] = []
        for line in tools.run("dpkg-query", "-W", "-f", "\\t".join(FIELDS) + "\\n").splitlines():
            package, essential, needs, provides, status = line.split("\t")
            if status != "installed":
                continue
            self.needs[package] = [names(group, "|") for group in needs.split(",")]
            for name in names(provides, ","):
                self.provided.setdefault(name, []).append(package)
            if essential == "yes":
                self.essential.append(package)

    def closure(self, roots: list[str]) -> set[str]:
        """These, and what each depends on; of alternatives the first that is installed."""
        found: set[str] = set()
        todo = list(roots)
        while todo:
            package = todo.pop()
            if package in found:
                continue
            if package not in self.needs:
                todo += self.provided.get(package, [])
                continue
            found.add(package)
            for group in self.needs[package]:
                known = [name for name in group if name in self.needs or name in self.provided]
                todo += known[:1]
        return found


def names(text: str, separator: str) -> list[str]:
    """Package names without versions and architectures."""
    return [
        match[0]
        for word in text.split(separator)
        if (match := re.match(r"[a-z0-9][a-z0-9+.-]*", word.strip()))
    ]


def owners(programs: dict[str, str]) -> dict[str, str]:
    """The package of each program; a merged /usr has two names for its path."""
    plain = {name: path.replace("/usr/", "/", 1) for name, path in programs.items()}
    places = {place: name for name, path in plain.items() for place in (path, "/usr" + path)}
    for name, path in programs.items():
        target = str(Path(path).resolve())
        places.update(
            {place: name for place in (target, target.replace("/usr/", "/", 1)) if place not in places}
        )
    argv = ["dpkg-query", "-S", *places]
    answer = subprocess.run(
        argv, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": FOLDERS}
    ).stdout
    found: dict[str, str] = {}
    for line in answer.splitlines():
        package, _, place = line.rpartition(": ")
        if place in places and not package.startswith("diversion"):
            found.setdefault(places[place], package.split(",")[0].partition(":")[0])
    return found


def test_every_program_that_is_called_comes_with_a_listed_package() -> None:
    tools.need("dpkg-query", package="dpkg")
    lines = (PROJECT / "scripts/lib/packages.txt").read_text().splitlines()
    listed = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    machine = Installed()
    brought = machine.closure([*listed, *machine.essential, "apt"])
    where = called()
    paths = {word: path for word in where if (path := shutil.which(word, path=FOLDERS)) and "/" not in word}
    assert {"mke2fs", "tar", "zstd"} <= set(paths)
    packages = owners(paths)
    missing = {
        word: (packages[word], sorted(where[word])) for word in packages if packages[word] not in brought
    }
    assert missing == {}


def test_the_check_finds_a_program_of_a_package_that_is_not_listed() -> None:
    tools.need("dpkg-query", package="dpkg")
    machine = Installed()
    assert "git" in machine.closure(["git"]) and "git" not in machine.closure([*machine.essential, "apt"])
    assert owners({"git": "/usr/bin/git"}) == {"git": "git"}
    assert set(python_words("run('git'); p(['zstd', 'x']); open('w')")) == {"git", "zstd"}


def test_the_list_has_only_words_that_setup_knows() -> None:
    for line in (PROJECT / "scripts/lib/packages.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, *conditions = line.split()
        assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name)
        known = r"(unless|machine):[a-z0-9-]+|where-known|rootless"
        assert all(re.fullmatch(known, word) for word in conditions)
