# SPDX-License-Identifier: MIT
"""examples/product, copied to a place of its own next to this repository, as own-layer.md has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .registry import Registry

SECONDS = 3600
PROJECT = Path(__file__).resolve().parents[2]


def section(page: str, number: int) -> str:
    """The block of commands with this number on a page."""
    text = (PROJECT / "meta-pantavisor/docs" / page).read_text()
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[number]


@dataclass(frozen=True)
class Product:
    """The product's repository, and the registry that stands for docker.io."""

    folder: Path
    registry: Registry

    @classmethod
    def make(cls, root: Path, registry: Registry, *lines: str) -> Product:
        """By the page's first line, with further ``lines`` in auto.conf."""
        (root / "meta-pantavisor").symlink_to(PROJECT)
        product = cls(root / "product", registry)
        copy, _, _ = section("own-layer.md", 0).partition("\n")
        product.follow(copy, root)
        product.configure(f'PVR_REGISTRY_MIRRORS = "docker.io={registry.host}"', *lines)
        return product

    @property
    def environment(self) -> dict[str, str]:
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"HOME": str(self.folder), "PATH": programs, "LC_ALL": "C.UTF-8"}

    def follow(self, commands: str, folder: Path, **variables: str) -> str:
        """What commands of a page print, run as they are printed, but with the demonstration's core."""
        done = subprocess.run(
            ["bash", "-euc", commands.replace("product.yml", "quickstart.yml")], cwd=folder,
            env={**self.environment, **variables}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout[-8000:]}"
        return done.stdout

    def configure(self, *lines: str) -> None:
        """auto.conf is these lines."""
        (self.folder / "build/conf").mkdir(parents=True, exist_ok=True)
        (self.folder / "build/conf/auto.conf").write_text("\n".join([*lines, ""]))

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """kas, called where its user calls it."""
        return subprocess.run(
            [Path(sys.executable).with_name("kas"), *words], cwd=self.folder,
            env={**self.environment, **variables}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def kas(self, *words: str) -> str:
        """What it prints; it must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
        return done.stdout

    def deployed(self, name: str) -> Path:
        return self.folder / "build/tmp/deploy/images/product-board" / name
