# SPDX-License-Identifier: MIT
"""The tutorial's commands, as they are printed: Docker builds an image, BitBake a device of it, and QEMU
boots that.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_images import engine, registry
from place import BOOT_SECONDS, BUILD, PROJECT
from sim import tools

PAGE = PROJECT / "meta-pantavisor/docs/tutorial.md"
BUILD_SECONDS = 1800
# What gives BitBake the list of layers; the quickstart's own is put back.
CONFIGURATION = ("local.conf", "bblayers.conf", "auto.conf")


@pytest.fixture
def build(tmp_path: Path, image: Path) -> Iterator[Path]:
    """The build directory that scripts/quickstart left, with its configuration kept."""
    tools.need("busybox", package="busybox-static")
    for name in CONFIGURATION:
        shutil.copy2(BUILD / "conf" / name, tmp_path / name)
    shutil.rmtree(BUILD / "hello", ignore_errors=True)
    yield BUILD
    for name in CONFIGURATION:
        shutil.copy2(tmp_path / name, BUILD / "conf" / name)
    shutil.rmtree(BUILD / "hello", ignore_errors=True)


def test_a_dockerfile_becomes_a_device_that_boots(build: Path, machine: str, tmp_path: Path) -> None:
    if machine != "qemux86-64":
        pytest.skip("the page is about qemux86-64")
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    # The first is the build that every test here rests on.
    assert blocks[0] == "scripts/quickstart --yes\n" and len(blocks) == 7
    with (
        registry.serve(tmp_path / "registry", port=0) as unused,
        engine.start("docker", tmp_path, unused) as docker,
    ):
        assert isinstance(docker, engine.Docker)
        for block in blocks[1:]:
            follow(block, {**os.environ, **docker.environment})


def follow(block: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euc", block],
        cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=BUILD_SECONDS + BOOT_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, f"{block}\n{done.stdout[-20_000:]}"
