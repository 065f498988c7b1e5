# SPDX-License-Identifier: MIT
"""kas finds the layers and the one script that sets up the environment, in a clone and in an unpacked
archive.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT


@pytest.mark.parametrize("git", [True, False])
def test_kas_sets_up_the_two_layers(tmp_path: Path, git: bool) -> None:
    for name in (
        "kas/quickstart.yml",
        "kas/quickstart/oe-init-build-env",
        "kas/quickstart/conf",
        "meta-pantavisor/conf",
    ):
        source, target = PROJECT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    (tmp_path / "kas/quickstart/bitbake").symlink_to(PROJECT / "kas/quickstart/bitbake")
    if git:
        subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    kas = Path(sys.executable).with_name("kas")
    command = [kas, "shell", "kas/quickstart.yml", "-c", 'command -v bitbake; echo "$BUILDDIR"']
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == str(tmp_path / "build")
    layers = (tmp_path / "build/conf/bblayers.conf").read_text()
    assert "${TOPDIR}/../kas/quickstart " in layers and '${TOPDIR}/../meta-pantavisor"' in layers
    assert 'MACHINE ??= "qemux86-64"' in (tmp_path / "build/conf/local.conf").read_text()
