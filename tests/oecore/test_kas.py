# SPDX-License-Identifier: MIT
"""The configurations of kas and of bitbake-setup, with real checkouts in place of clones."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkouts import LOCALE, MASK, PROJECT, Checkout

QUICK = MASK + 'BB_NO_NETWORK = "1"\nCONNECTIVITY_CHECK_URIS = ""\nINHERIT:remove = "uninative"\n'
CONFIGURATION = PROJECT / "kas/bitbake-setup.conf.json"
PRODUCT = PROJECT / "examples/product"
KAS = Path(sys.executable).with_name("kas")


def run(folder: Path, *words: str | Path) -> str:
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": LOCALE}
    done = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def parsed(checkout: Checkout, folder: Path) -> str:
    """What bitbake prints that parses the product of product.yml."""
    names = ("bitbake", "openembedded-core")
    repos = {name: {"url": None, "path": str(checkout.folder / name)} for name in names}
    config = {"header": {"version": 18}, "repos": repos, "local_conf_header": {"quick": QUICK}}
    (folder / "local.yml").write_text(json.dumps(config))
    (folder / "build/conf").mkdir(parents=True)
    # In place of openembedded-core's, which refuses root.
    (folder / "build/conf/sanity.conf").touch()
    return run(folder, KAS, "shell", "product.yml:local.yml", "-c", "bitbake -p && bitbake -s")


def test_a_product_parses_by_the_file_of_the_release(checkout: Checkout, tmp_path: Path) -> None:
    names = (f"release/{checkout.release}", "machine/qemuarm64", "feature/set-signature")
    includes = [{"repo": "pantavisor", "file": f"kas/{name}.yml"} for name in names]
    config = {
        "header": {"version": 18, "includes": includes},
        "repos": {"pantavisor": {"path": str(PROJECT)}},
    }
    (tmp_path / "product.yml").write_text(json.dumps(config))
    printed = parsed(checkout, tmp_path)
    assert re.search(r"Parsing of \d+ \.bb files complete .* 0 errors", printed), printed
    assert "WARNING: " not in printed and "ERROR: " not in printed, printed


def test_the_example_of_a_product_parses(checkout: Checkout, tmp_path: Path) -> None:
    if f"release/{checkout.release}.yml" not in (PRODUCT / "product.yml").read_text():
        pytest.skip(f"{PRODUCT.name}/product.yml is for another release than {checkout.release}")
    product: Path = shutil.copytree(PRODUCT, tmp_path / "product")
    (tmp_path / "meta-pantavisor").symlink_to(PROJECT)
    printed = parsed(checkout, product)
    assert re.search(r"Parsing of \d+ \.bb files complete .* 0 errors", printed), printed
    recipes = set(re.findall(r"^(\S+) +:\S+", printed, re.MULTILINE))
    assert {"network", "web", "product-device", "pantavisor-bsp"} <= recipes and "ERROR: " not in printed


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
