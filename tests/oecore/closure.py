# SPDX-License-Identifier: MIT
"""What is built before a container: by openssl, as it is, and by python3-cryptography."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checkouts import LAYER, PRODUCT, Build, Checkout

PACKAGE = "python3-cryptography-native"
# Each takes longer than all others together.
LONG = ("rust", "cargo", "llvm")
LINES = f"""\
PVS_DEVELOPMENT_KEYS = "1"
PVR_TOOL_DEPENDS:pn-package = "python3-native {PACKAGE} squashfs-tools-ng-native"
"""


@dataclass(frozen=True)
class Closure:
    """Recipes and the number of their tasks."""

    recipes: tuple[str, ...]
    tasks: int

    @property
    def long(self) -> list[str]:
        return sorted(name for name in self.recipes if name.startswith(LONG))

    def __str__(self) -> str:
        long = f" with {', '.join(self.long)}" if self.long else ""
        return f"{len(self.recipes)} recipes, {self.tasks} tasks{long}"


def measure(build: Build, recipe: str) -> Closure:
    """What BitBake would run for a recipe where nothing is built."""
    done = build.bitbake("-g", recipe)
    if done.returncode:
        raise RuntimeError(done.stdout)
    recipes = (build.directory / "pn-buildlist").read_text().split()
    tasks = re.findall(r"label=", (build.directory / "task-depends.dot").read_text())
    return Closure(tuple(recipes), len(tasks))


def compare(checkout: Checkout, folder: Path) -> Iterator[Closure]:
    """Of a container as it is, and of the same one that wants the package."""
    product: Path = shutil.copytree(PRODUCT, folder / "product")
    app = product / "recipes-app/app/app.bb"
    shutil.copy(app, app.with_name("package.bb"))
    build = Build.make(checkout, folder / "build", [LAYER, product], LINES)
    for recipe in ("app", "package"):
        yield measure(build, recipe)
