# SPDX-License-Identifier: MIT
"""kas reads the configurations: each by itself, each release with every machine and feature from another
repository, what its menu writes, and the demonstration in a clone and in an unpacked archive.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kconfiglib
import pytest
import yaml
from conftest import PROJECT
from kas.includehandler import ConfigFile
from kas.plugins.menu import Menu

KAS = PROJECT / "kas"
FILES = sorted(str(path.relative_to(PROJECT)) for path in KAS.rglob("*.yml"))
RELEASES = ("scarthgap", "wrynose", "master")
FEATURES = sorted(path for path in FILES if path.startswith("kas/feature/"))
MACHINES = sorted(path for path in FILES if path.startswith("kas/machine/"))
LAYERS = {
    "bitbake": [],
    "meta-freescale": [],
    "meta-openembedded": ["meta-filesystems", "meta-networking", "meta-oe", "meta-python"],
    "meta-raspberrypi": [],
    "meta-st-stm32mp": [],
    "meta-virtualization": [],
    "openembedded-core": ["meta"],
}
# Of layers that not every release has a branch of.
BRANCHES = {"meta-st-stm32mp": ["scarthgap"]}


def kas(folder: Path, *words: str) -> str:
    """What kas prints, called in ``folder``."""
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    command = [Path(sys.executable).with_name("kas"), *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def clone(target: Path) -> Path:
    """What kas looks at of this repository, as a repository of its own."""
    shutil.copytree(KAS, target / "kas", ignore=shutil.ignore_patterns("quickstart"))
    (target / "meta-pantavisor").mkdir()
    subprocess.run(["git", "init", "--quiet", target], check=True)
    return target


@pytest.mark.parametrize("name", FILES)
def test_kas_accepts_each_file(name: str) -> None:
    read = ConfigFile.load(PROJECT / name, is_lockfile=".lock." in name)
    assert read.config["header"]["version"] == 18


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_takes_every_machine_and_feature_from_another_repository(
    tmp_path: Path, release: str
) -> None:
    clone(tmp_path / "pantavisor")
    product = tmp_path / "product"
    product.mkdir()
    subprocess.run(["git", "init", "--quiet", product], check=True)
    names = [f"kas/release/{release}.yml", *FEATURES, *MACHINES]
    # In place of the clones, folders: there is no network here.
    local = {name: {"url": None, "path": f"layers/{name}"} for name in LAYERS}
    for name, layers in LAYERS.items():
        for layer in layers or ["."]:
            (product / "layers" / name / layer).mkdir(parents=True)
    config = {
        "header": {"version": 18, "includes": [{"repo": "pantavisor", "file": name} for name in names]},
        "repos": {
            "pantavisor": {"path": "../pantavisor"},
            "product": {"layers": {"meta-x": None}},
            **local,
        },
    }
    (product / "product.yml").write_text(json.dumps(config))
    dumped = json.loads(kas(product, "dump", "--format", "json", "product.yml"))
    assert set(dumped["repos"]) == {"pantavisor", "product", *LAYERS}
    overrides = dumped["overrides"]["repos"]
    for name in LAYERS:
        if release not in BRANCHES.get(name, RELEASES):
            continue
        repo, pinned = dumped["repos"][name], overrides[name]
        assert re.fullmatch("[0-9a-f]{40}", pinned["commit"]), name
        # A release has no branch of its own of BitBake.
        assert pinned.get("branch", repo["branch"]) == release or name == "bitbake"
    assert dumped["machine"] == "stm32mp15-disco"


def test_every_layer_that_a_file_adds_has_its_branch_in_every_release_that_it_is_for() -> None:
    added = {
        name
        for path in (*MACHINES, *FEATURES)
        for name in yaml.safe_load((PROJECT / path).read_text()).get("repos", {})
    }
    assert added
    for release in RELEASES:
        known = yaml.safe_load((KAS / f"release/{release}.yml").read_text())["overrides"]["repos"]
        assert set(known) == {name for name in added if release in BRANCHES.get(name, RELEASES)}
        assert {entry["branch"] for entry in known.values()} == {release}


def saved(menu: Menu, folder: Path) -> dict[str, Any]:
    """What the menu writes for what is chosen in it."""
    menu.orig_config = {}
    menu.save_config(str(folder / ".config.yaml"), str(PROJECT))
    written: dict[str, Any] = yaml.safe_load((folder / ".config.yaml").read_text())
    return written


def test_the_menu_writes_files_that_exist_for_every_choice(tmp_path: Path) -> None:
    menu = Menu()
    menu.kconf = kconfiglib.Kconfig(str(KAS / "Kconfig"), warn_to_stderr=False)
    assert not menu.kconf.warnings
    seen = set()
    for symbol in menu.kconf.unique_defined_syms:
        if symbol.type != kconfiglib.BOOL:
            continue
        if symbol.name.startswith("MACHINE_"):
            # The release for which every machine has its layers.
            menu.kconf.syms["RELEASE_SCARTHGAP"].set_value("y")
        symbol.set_value("y")
        written = saved(menu, tmp_path)
        seen.update(written["header"]["includes"])
    # Each was read by the tests above.
    releases = {f"kas/release/{release}.yml" for release in RELEASES}
    assert seen == {*releases, *MACHINES, *FEATURES} and written["target"] == ["pantavisor-bsp"]


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
    printed = kas(tmp_path, "shell", "kas/quickstart.yml", "-c", 'command -v bitbake; echo "$BUILDDIR"')
    assert printed.split()[-1] == str(tmp_path / "build")
    layers = (tmp_path / "build/conf/bblayers.conf").read_text()
    assert "${TOPDIR}/../kas/quickstart " in layers and '${TOPDIR}/../meta-pantavisor"' in layers
    assert 'MACHINE ??= "qemux86-64"' in (tmp_path / "build/conf/local.conf").read_text()
