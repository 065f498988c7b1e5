# SPDX-License-Identifier: MIT
"""Odd inputs before this project and before the readers it is compared with: sim/tolerances.py from both
sides.

Other versions of them may judge otherwise, and say nothing about ours: with those only what is plain is
compared.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from pathlib import Path

import pytest
from pantavisor import layers, layout
from pantavisor.errors import PantavisorError
from pantavisor.oci import Platform
from sim import tools
from sim.layers import blob, write_layout
from sim.registry import images
from sim.tolerances import DOCUMENTS, TARS, Bent, Layer

SEEN = {"skopeo": "1.9", "umoci": "0.4", "tar": "1.34", "bsdtar": "3.6"}
AMD64 = Platform.parse("linux/amd64")


def reads(*argv: str, folder: Path, data: bytes = b"") -> bool:
    return subprocess.run(argv, cwd=folder, input=data, capture_output=True).returncode == 0


@functools.cache
def is_as_seen(program: str) -> bool:
    text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"[0-9]+\.[0-9]+", text)
    return found is not None and found[0] == SEEN[program]


def umoci(source: Path, folder: Path) -> bool:
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    return reads(
        "umoci", "unpack", *rootless, "--image", f"{source}:1", str(folder / "bundle"), folder=folder
    )


def ours(source: Path) -> bool:
    try:
        with layout.open_image(source, AMD64) as image:
            layers.flatten(image.layers)
    except PantavisorError:
        return False
    return True


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(name: str, tmp_path: Path) -> None:
    row: Bent = DOCUMENTS[name]
    tools.need("skopeo", package="skopeo")
    tools.need("umoci", package="umoci")
    source = images.write_files(tmp_path / "layout", row.files())
    assert ours(source) == row.ours
    if is_as_seen("skopeo") or name == "plain":
        assert reads("skopeo", "copy", "-q", f"oci:{source}", "oci:copy", folder=tmp_path) == row.skopeo
    if is_as_seen("umoci") or name == "plain":
        assert umoci(source, tmp_path) == row.umoci


@pytest.mark.parametrize("name", TARS)
def test_tars(name: str, tmp_path: Path) -> None:
    row: Layer = TARS[name]
    tools.need("umoci", package="umoci")
    tools.need("bsdtar", package="libarchive-tools")
    write_layout(tmp_path / "layout", [blob(row.archive)])
    assert ours(tmp_path / "layout") == row.ours
    if is_as_seen("umoci") or name == "plain":
        assert umoci(tmp_path / "layout", tmp_path) == row.umoci
    for program, verdict in (("tar", row.gnu), ("bsdtar", row.bsd)):
        if not is_as_seen(program) and name != "plain":
            continue
        folder = tmp_path / program
        folder.mkdir()
        assert reads(program, "-x", "-f", "-", folder=folder, data=row.archive) == verdict, program
