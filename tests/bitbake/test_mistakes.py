# SPDX-License-Identifier: MIT
"""Mistakes that BitBake passes over in silence are on the user's screen before anything is built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import LAYER_CONF, PROJECT, Build

CONTAINER = f"""\
LICENSE = "CLOSED"
PVR_DOCKER_REF = "127.0.0.1:1/team/app@sha256:{"a" * 64}"
inherit pvrexport
"""
DEVICE = """\
LICENSE = "CLOSED"
PVROOT_CONTAINERS = "web"
inherit pvroot-image
"""


@pytest.fixture
def build(tmp_path: Path, downloads: Path) -> Build:
    made = Build.of_the_layer(tmp_path, downloads)
    (made.layer / "conf").mkdir(parents=True)
    (made.layer / "recipes").mkdir()
    (made.layer / "conf/layer.conf").write_text(LAYER_CONF)
    with (made.directory / "conf/bblayers.conf").open("a") as stream:
        stream.write(f'BBLAYERS += "{made.layer}"\n')
    with (made.directory / "conf/local.conf").open("a") as stream:
        stream.write(f'PVS_KEY_DIR = "{tmp_path}/keys"\nPVS_DEVELOPMENT_KEYS = "1"\n')
    return made


def write(build: Build, **recipes: str) -> None:
    for name, text in recipes.items():
        (build.layer / f"recipes/{name}.bb").write_text(text)


def test_each_is_named_with_the_line_to_write(build: Build) -> None:
    write(
        build,
        web=CONTAINER.replace("inherit pvrexport\n", ""),
        clock=CONTAINER + 'PVR_MEMORY:qemux86-46 = "64M"\n',
        player=CONTAINER + "do_install() {\n    install -d ${D}/music\n}\n",
        filled=DEVICE + 'IMAGE_INSTALL:append = " nano"\n',
        lost=DEVICE,
        bills=DEVICE + 'PVROOT_SBOM += "cyclonedx"\n',
    )
    (build.layer / "other").mkdir()
    (build.layer / "other/far.bb").write_text(CONTAINER)
    write(build, unfound=DEVICE.replace("web", "far"))
    with (build.directory / "conf/local.conf").open("a") as stream:
        stream.write('PVROOT_CONTAINERS += "clock"\n')
    for name, hint in {
        "web": "write inherit pvrexport",
        "clock": 'use ":qemux86-64"',
        "player": "name the files in SRC_URI and PVR_CONFIG_OVERLAY",
        "filled": "write it into an image recipe that inherits image-pvrexport",
        "lost": 'write PVROOT_CONTAINERS:append = " clock"',
    }.items():
        assert hint in build.run("-n", name).failed().output
    lines = (build.directory / "conf/local.conf").read_text().replace('PVROOT_CONTAINERS += "clock"\n', "")
    (build.directory / "conf/local.conf").write_text(lines)
    assert 'write PVROOT_SBOM:append = " cyclonedx"' in build.run("-n", "bills").failed().output
    assert f'other/*.bb" into {build.layer}/conf/layer.conf' in build.run("-n", "unfound").failed().output
    write(build, web=CONTAINER)
    build.run("-n", "lost").succeeded()


def test_the_recipe_of_the_readme_is_one(build: Build) -> None:
    """Five lines for a container; those of the device are new-board.md's, but for wic."""
    (container,) = blocks("README.md")
    device = blocks("meta-pantavisor/docs/new-board.md")[1]
    assert len(container.splitlines()) == 5 and "inherit pvroot-wic\n" in device
    device = device.replace("pvroot-wic", "pvroot-image").replace("network web", "web-server")
    pinned = f'PVR_DOCKER_DIGEST = "sha256:{"a" * 64}"\n'  # nothing is asked of docker.io
    write(build, **{"web-server": container + pinned, "my-device": f'{device}LIC_FILES_CHKSUM = ""\n'})
    done = build.run("-n", "my-device")
    assert done.status == 0 and "all succeeded" in done.output, done.output


def blocks(page: str) -> list[str]:
    return re.findall(r"```bitbake\n(.*?)```", (PROJECT / page).read_text(), re.DOTALL)


def test_the_layer_changes_no_recipe_of_others(build: Build) -> None:
    """It has a class in every recipe of a build, which only looks for what was forgotten."""
    text = (PROJECT / "meta-pantavisor/classes/pantavisor-forgotten.bbclass").read_text()
    (head, *_), body = text.split("python () {"), text.partition("python () {")[2]
    assert all(line.startswith("#") for line in head.splitlines())
    assert body.split() == ["pvbb.variables.need_class(d)", "}"]
