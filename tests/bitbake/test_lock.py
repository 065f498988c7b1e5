# SPDX-License-Identifier: MIT
"""scripts/lock pins the images of a build, and the build goes on with what it pinned."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import CORE, PROJECT, Build
from sim.registry import Registry, images

LAYER_CONF = """\
BBPATH .= ":${LAYERDIR}"
BBFILES += "${LAYERDIR}/*.bb"
BBFILE_COLLECTIONS += "locked"
BBFILE_PATTERN_locked = "^${LAYERDIR_RE}/"
LAYERSERIES_COMPAT_locked = "scarthgap wrynose"
PVR_DOCKER_LOCK = "${LAYERDIR}/images.lock.json"
PVR_DOCKER_PIN = "require"
"""
RECIPE = """\
LICENSE = "MIT"
PVR_DOCKER_REF = "{reference}"
inherit pvrexport
"""
FILES = {"bin/sh": b"", "sbin/init": b"#!/bin/sh\n"}
CONFIG = {"Cmd": ["/sbin/init"]}


@dataclass(frozen=True)
class Product:
    build: Build
    layer: Path
    registry: Registry

    def lock(self, *words: str) -> subprocess.CompletedProcess[str]:
        """scripts/lock, where the command bitbake works."""
        command = '. "$0" "$PWD" >/dev/null && exec "$@"'
        environment = {"HOME": str(self.build.directory), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
        return subprocess.run(
            ["bash", "-c", command, str(CORE / "oe-init-build-env"), str(PROJECT / "scripts/lock"), *words],
            cwd=self.build.directory, env=environment, capture_output=True, text=True,
        )  # fmt: skip

    @property
    def locked(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.layer / "images.lock.json").read_text())["images"]
        return found


@pytest.fixture
def product(build: Build) -> Iterator[Product]:
    layer = build.directory.parent / "product"
    (layer / "conf").mkdir(parents=True)
    (layer / "conf/layer.conf").write_text(LAYER_CONF)
    layers = f'BBLAYERS = "{CORE} {PROJECT}/meta-pantavisor {layer}"\n'
    (build.directory / "conf/bblayers.conf").write_text(f'BBPATH = "${{TOPDIR}}"\nBBFILES ??= ""\n{layers}')
    lines = (
        f'BBMASK += "{PROJECT}/meta-pantavisor/recipes-"\n'
        'BBFILE_PATTERN_IGNORE_EMPTY_pantavisor = "1"\nBBFILE_PATTERN_IGNORE_EMPTY_meta-pantavisor = "1"\n'
        f'PVS_DEVELOPMENT_KEYS = "1"\nPVS_KEY_DIR = "{build.directory.parent}/keys"\n'
    )
    build.configure(lines)
    with Registry() as registry:
        for name in ("one", "two"):
            (layer / f"{name}.bb").write_text(RECIPE.format(reference=f"{registry.host}/{name}:1"))
        yield Product(build, layer, registry)


def test_a_lock_file_pins_a_build_until_it_is_updated(product: Product) -> None:
    one, two = (f"{product.registry.host}/{name}:1" for name in ("one", "two"))
    image = images.image(FILES, config=CONFIG)
    first = {name: product.registry.add(name, "1", image) for name in ("one", "two")}

    result = product.build.run("one").failed()
    assert f"no digest pins {one}, and PVR_DOCKER_PIN requires one" in result.output
    done = product.lock("check", "one", "two")
    assert done.returncode == 2 and f"has no digest for {one}" in done.stderr, done.stderr

    done = product.lock("write", "one", "two")
    assert done.returncode == 0, done.stderr
    assert product.locked == {one: first["one"], two: first["two"]}
    assert f"{one}: new -> {first['one']}" in done.stdout
    assert not (product.build.directory / "pvr-lock").exists()
    product.build.run("one").succeeded()

    # The tag moves: neither the build nor "write" goes after it, "check" shows it, "update" takes it.
    second = product.registry.add("one", "1", images.image({**FILES, "new": b"1"}, config=CONFIG))
    assert product.lock("write", "one", "two").returncode == 0
    assert product.locked[one] == first["one"]
    done = product.lock("check", "one", "two")
    assert done.returncode == 0 and f"the tag names {second} now" in done.stdout, done.stderr
    product.build.run("one").succeeded()
    assert product.build.ran("one").count("do_pvrexport") == 1
    assert product.lock("update", "--only", one, "one", "two").returncode == 0
    assert product.locked == {one: second, two: first["two"]}
    product.build.run("one").succeeded()
    assert product.build.ran("one").count("do_pvrexport") == 2

    # Another tag is not built from the digest of the old one.
    (product.layer / "two.bb").write_text(RECIPE.format(reference=two[:-1] + "2"))
    product.build.run("two").failed()
    done = product.lock("check", "one", "two")
    assert done.returncode == 2 and "has no digest for" in done.stderr
    product.registry.add("two", "2", image)
    assert product.lock("write", "one", "two").returncode == 0
    assert set(product.locked) == {one, two[:-1] + "2"}
    done = product.lock("check", "one")
    assert done.returncode == 2 and "which no recipe of the targets names" in done.stderr
