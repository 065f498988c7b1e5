# SPDX-License-Identifier: MIT
"""A container from an image recipe: built by openembedded-core's own image tasks, with the tools of this
machine in place of native recipes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import host
import pytest
from checkouts import LAYER, MASK, PRODUCT, Build, Checkout
from pantavisor import export, squashfs
from pantavisor.objects import ObjectPool

# No package of it is written, which create-spdx reads.
LINES = f'{host.lines()}INHERIT:remove = "create-spdx"\n'


@pytest.fixture
def build(checkout: Checkout, tmp_path: Path) -> Build:
    host.need("pseudo")
    product: Path = shutil.copytree(PRODUCT, tmp_path / "product")
    return Build.make(checkout, tmp_path / "build", [LAYER, product], MASK + LINES)


def test_an_image_recipe_is_a_container_with_owners_by_one_inherit(build: Build, tmp_path: Path) -> None:
    build.bitbake("-p")  # makes keys, and warns of them
    done = build.bitbake("rootfs")
    assert done.returncode == 0 and "WARNING" not in done.stdout, done.stdout
    (part,) = build.directory.glob("tmp*/deploy/images/qemux86-64/rootfs.pvrexport.tgz")
    words = [sys.executable, "-m", "pantavisor", "verify", "--strict", "--trust",
             build.directory / "pvs-keys/ca.crt", part]  # fmt: skip
    subprocess.run(words, env={**os.environ, "PYTHONPATH": str(LAYER / "lib")}, check=True)
    pool = ObjectPool(tmp_path / "objects")
    state = export.read(part, pool)
    run = state["rootfs/run.json"]
    assert (run["group"], run["restart_policy"]) == ("root", "system")
    assert run["storage"]["dockerovl-/var".replace("/", "-")]["persistence"] == "permanent"
    tree = squashfs.read(pool.path(str(state["rootfs/root.squashfs"])))
    assert tree.head("etc/greeting", 10) == b"hello\n"
    home = tree.find("home/app")
    assert home is not None and (home.metadata.uid, home.metadata.gid) == (1000, 100)
