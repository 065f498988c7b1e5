# SPDX-License-Identifier: MIT
"""The same input gives the same bytes: in another directory, from nothing, without the network."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from place import BUILD, DEPLOYED, KEY_DIR, PROJECT

BUILD_SECONDS = 1800
# What a build is given besides the project: the downloads, the keys, and that nothing else is to be had.
AUTO_CONF = """
DL_DIR = "{build}/downloads"
PVS_KEY_DIR = "{keys}"
BB_NO_NETWORK = "1"
"""


def test_offline_build_elsewhere_is_byte_identical(image: Path, machine: str, tmp_path: Path) -> None:
    build = tmp_path / "elsewhere" / "build"
    (build / "conf").mkdir(parents=True)
    digests = (BUILD / "conf" / "auto.conf").read_text()
    settings = AUTO_CONF.format(build=BUILD, keys=KEY_DIR)
    (build / "conf" / "auto.conf").write_text(digests + settings)

    environment = {
        **os.environ,
        "KAS_MACHINE": machine,
        "KAS_WORK_DIR": str(PROJECT),
        "KAS_BUILD_DIR": str(build),
        "LC_ALL": "C.UTF-8",
    }
    argv = [str(PROJECT / ".venv" / "bin" / "kas"), "build", "kas/quickstart.yml"]
    done = subprocess.run(
        argv, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]

    again = build / DEPLOYED.format(machine=machine)
    assert again != image
    for name in (image.name, image.name + ".bmap"):
        assert _hash(again.parent / name) == _hash(image.parent / name), f"{name} differs"


def _hash(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            total.update(block)
    return total.hexdigest()
