# SPDX-License-Identifier: MIT
"""Signing keys of a build in which nothing has been built yet."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkouts import LAYER, MASK, PRODUCT, Build, Checkout


@pytest.fixture
def build(checkout: Checkout, tmp_path: Path) -> Iterator[Build]:
    product: Path = shutil.copytree(PRODUCT, tmp_path / "product")
    yield Build.make(checkout, tmp_path / "build", [LAYER, product], MASK)
    shutil.rmtree(tmp_path, ignore_errors=True)


def skipped(build: Build) -> str:
    """Why the container's recipe is skipped, or nothing. (None of its native recipes is there.)"""
    printed = build.bitbake("-n", "app").stdout
    return printed if "was skipped" in printed else ""


def test_keys_that_are_made_later_are_seen(build: Build) -> None:
    assert "no signing key" in skipped(build)
    words = [sys.executable, "-m", "pantavisor", "keys", "generate", build.directory / "pvs-keys"]
    subprocess.run(words, check=True, env={"PYTHONPATH": str(LAYER / "lib"), "PATH": "/usr/bin:/bin"})
    assert not skipped(build)
    shutil.rmtree(build.directory / "pvs-keys")
    assert "no signing key" in skipped(build)


def test_development_keys_need_no_native_recipe(build: Build) -> None:
    local = build.directory / "conf/local.conf"
    local.write_text(local.read_text() + 'PVS_DEVELOPMENT_KEYS = "1"\n')
    done = build.bitbake("-p")
    assert done.returncode == 0 and "now holds development keys" in done.stdout, done.stdout
    assert (build.directory / "pvs-keys/key.pem").stat().st_mode & 0o777 == 0o600
    assert not skipped(build)
