# SPDX-License-Identifier: MIT
"""The configurations of kas and of bitbake-setup, with real checkouts in place of clones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from checkouts import LOCALE, MASK, PROJECT, Checkout

QUICK = MASK + 'BB_NO_NETWORK = "1"\nCONNECTIVITY_CHECK_URIS = ""\nINHERIT:remove = "uninative"\n'
CONFIGURATION = PROJECT / "kas/bitbake-setup.conf.json"


def run(folder: Path, *words: str | Path) -> str:
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": LOCALE}
    done = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_product_parses_by_the_file_of_the_release(checkout: Checkout, tmp_path: Path) -> None:
    repos = {
        "bitbake": {"url": None, "path": str(checkout.folder / "bitbake")},
        "openembedded-core": {"url": None, "path": str(checkout.folder / "openembedded-core")},
        "pantavisor": {"path": str(PROJECT)},
    }
    names = (f"release/{checkout.release}", "machine/qemuarm64", "feature/set-signature")
    includes = [{"repo": "pantavisor", "file": f"kas/{name}.yml"} for name in names]
    config = {
        "header": {"version": 18, "includes": includes},
        "repos": repos,
        "local_conf_header": {"quick": QUICK},
    }
    (tmp_path / "product.yml").write_text(json.dumps(config))
    (tmp_path / "build/conf").mkdir(parents=True)
    # In place of openembedded-core's, which refuses root.
    (tmp_path / "build/conf/sanity.conf").touch()
    kas = Path(sys.executable).with_name("kas")
    printed = run(tmp_path, kas, "shell", "product.yml", "-c", "bitbake -p")
    assert re.search(r"Parsing of \d+ \.bb files complete .* 0 errors", printed), printed
    assert "WARNING: " not in printed and "ERROR: " not in printed, printed


def test_bitbake_setup_makes_a_build_directory_by_the_configuration(
    checkout: Checkout, tmp_path: Path
) -> None:
    if checkout.release not in CONFIGURATION.read_text():
        pytest.skip(f"{CONFIGURATION.name} is for another release than {checkout.release}")
    sources = [
        word
        for name in ("bitbake", "openembedded-core")
        for word in ("-L", name, str(checkout.folder / name))
    ]
    printed = run(
        tmp_path,
        checkout.folder / "bitbake/bin/bitbake-setup",
        "--setting", "default", "top-dir-prefix", str(tmp_path),
        "init", "--non-interactive", *sources, CONFIGURATION, "pantavisor", "machine/qemuarm64",
    )  # fmt: skip
    (found,) = tmp_path.rglob("bblayers.conf")
    places = [Path(word).resolve() for word in found.read_text().split() if word.startswith("/")]
    assert PROJECT / "meta-pantavisor" in places, printed
