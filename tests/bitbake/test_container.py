# SPDX-License-Identifier: MIT
"""A container by a recipe of two lines: what the class's variables make of it, and what a build says of
them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import CORE, LAYER_CONF, PROJECT, Build, Result
from pantavisor import export, squashfs
from pantavisor.objects import ObjectPool
from sim import codecs, tools
from sim.registry import Registry, images

TEXT = " ".join(str(number * number % 7919) for number in range(30_000)).encode()
FILES = {"etc/text": TEXT, "sbin/init": b"#!/bin/sh\n", "bin/sh": b"", "bin/serve": b""}
CONFIG = {"Cmd": ["/sbin/init"]}
RECIPE = """\
SUMMARY = "One file"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${{COMMON_LICENSE_DIR}}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
PVR_DOCKER_REF = "{host}/one:1@{digest}"
inherit pvrexport
"""


@dataclass(frozen=True)
class Desk:
    """A build directory with the recipe ``app``; ``parsed`` is how its first parsing went."""

    build: Build
    keys: Path
    registry: Registry
    parsed: Result

    def configure(self, *lines: str) -> None:
        self.build.configure("\n".join([*configuration(self.keys), *lines, ""]))

    def run(self, *words: str) -> Result:
        """bitbake app, which must succeed but may warn."""
        result = self.build.run("app", *words)
        assert result.status == 0, result.output
        return result

    @property
    def export(self) -> Path:
        return self.build.deployed("app.pvrexport.tgz")

    def read(self, pool: Path) -> tuple[dict[str, Any], Path]:
        """The state, and its root.squashfs."""
        state = export.read(self.export, ObjectPool(pool))
        return dict(state), ObjectPool(pool).path(str(state["app/root.squashfs"]))

    def verify(self) -> str:
        """pvr verify --strict, which must find nothing."""
        words = [
            sys.executable,
            "-m",
            "pantavisor",
            "verify",
            "--strict",
            "--trust",
            self.keys / "ca.crt",
            self.export,
        ]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT / "meta-pantavisor/lib")}
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr


def configuration(keys: Path) -> list[str]:
    return [
        f'BBMASK += "{PROJECT}/meta-pantavisor/recipes-"',
        'BBFILE_PATTERN_IGNORE_EMPTY_pantavisor = "1"',
        'PVS_DEVELOPMENT_KEYS = "1"',
        f'PVS_KEY_DIR = "{keys}"',
    ]


MIRRORED = """\
require app_1.0.bb
PVR_DOCKER_REF = "registry.test/one:1@{digest}"
"""


@pytest.fixture(scope="module")
def desk(build: Build) -> Iterator[Desk]:
    root = build.directory.parent
    (root / "one/conf").mkdir(parents=True)
    (root / "one/recipes").mkdir()
    (root / "one/conf/layer.conf").write_text(LAYER_CONF)
    with Registry() as registry:
        digest = registry.add("one", "1", images.image(FILES, config=CONFIG))
        (root / "one/recipes/app_1.0.bb").write_text(RECIPE.format(host=registry.host, digest=digest))
        layers = f'BBLAYERS = "{CORE} {PROJECT}/meta-pantavisor {root / "one"}"\n'
        (build.directory / "conf/bblayers.conf").write_text(
            f'BBPATH = "${{TOPDIR}}"\nBBFILES ??= ""\n{layers}'
        )
        build.configure("\n".join([*configuration(root / "keys"), ""]))
        yield Desk(build, root / "keys", registry, build.run("-p"))


def test_development_keys_are_warned_of_once(desk: Desk) -> None:
    assert desk.parsed.status == 0, desk.parsed.output
    assert desk.parsed.output.count("now holds development keys") == 1
    desk.build.run("-p").succeeded()


def test_a_recipe_of_two_lines_makes_a_signed_container(desk: Desk, tmp_path: Path) -> None:
    desk.configure()
    desk.run().succeeded()
    assert "0 problems; checked strictly: " in desk.verify()
    state, image = desk.read(tmp_path)
    assert (
        state["app/run.json"]["root-volume"] == "root.squashfs"
        and "app/_dm/root.squashfs.json" not in state
    )
    # Confined, unless the recipe says otherwise.
    assert (
        state["app/run.json"]["profile"]
        == state["app/src.json"]["args"]["PV_SECURITY_PROFILE"]
        == "confined"
    )
    packed = state["app/src.json"]["squashfs"]["root.squashfs"]
    assert packed["codec"] == "xz" and packed["version"].startswith("liblzma ")
    tree = squashfs.read(image)
    assert tree.head("etc/text", len(TEXT)) == TEXT


def test_files_of_the_product_are_laid_over_as_the_page_has_it(desk: Desk, tmp_path: Path) -> None:
    page = (PROJECT / "meta-pantavisor/docs/RECIPE-API.md").read_text()
    (block,) = re.findall(r"```bitbake\n(.*?)```", page, re.DOTALL)
    image, *lines = block.splitlines()
    assert image.startswith("PVR_DOCKER_REF = ") and len(lines) == 2
    recipe = desk.build.directory.parent / "one/recipes/app_1.0.bb"
    overlay = recipe.with_name("app") / "overlay/etc/more"
    overlay.mkdir(parents=True)
    (overlay / "site.json").write_text('{ "as": "it is" }\n')
    desk.configure()
    before = recipe.read_text()
    recipe.write_text(before + "\n".join([*lines, ""]))
    desk.run().succeeded()
    state, _ = desk.read(tmp_path)
    found = ObjectPool(tmp_path).path(str(state["_config/app/etc/more/site.json"])).read_text()
    assert found == '{ "as": "it is" }\n' and "0 problems; checked strictly: " in desk.verify()
    recipe.write_text(before + lines[0] + "\n")
    assert "app: nothing reads overlay of SRC_URI" in desk.run().output
    recipe.write_text(before)
    shutil.rmtree(recipe.with_name("app"))


def test_the_step_is_run_again_as_the_page_describes(desk: Desk, tmp_path: Path) -> None:
    desk.configure()
    desk.run()
    work = tmp_path / "work"
    shutil.copytree(desk.build.work("app"), work, symlinks=True)
    page = (PROJECT / "meta-pantavisor/docs/replay.md").read_text()
    script = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
    tools.run("env", f"WORKDIR={work}", "bash", "-euc", script)
    assert (work / "temp/again/part.tgz").read_bytes() == desk.export.read_bytes()


def test_verity_of_the_root_passes_the_strict_check(desk: Desk, tmp_path: Path) -> None:
    desk.configure('PVR_VERITY:pn-app = "1"', 'PVR_CONFINED:pn-app = "0"')
    desk.run().succeeded()
    assert "0 problems; checked strictly: " in desk.verify()
    state, image = desk.read(tmp_path)
    assert (
        "profile" not in state["app/run.json"]
        and "PV_SECURITY_PROFILE" not in state["app/src.json"]["args"]
    )
    assert state["app/run.json"]["root-volume"] == "dm:root.squashfs"
    manifest = state["app/_dm/root.squashfs.json"]
    assert manifest["type"] == "dm-verity" and manifest["data_device"] == "root.squashfs"
    assert state["app/src.json"]["dm_enabled"] == {"root.squashfs": True}
    hashes = ObjectPool(tmp_path).path(str(state["app/root.squashfs.hash"]))
    program = tools.need("veritysetup", package="cryptsetup-bin")
    tools.run(program, "verify", image, hashes, manifest["root_hash"])
    desk.configure('PVR_VERITY:pn-app = "yes"')
    result = desk.build.run("app").failed()
    assert 'app: PVR_VERITY is "yes" (hint: ' in result.output and 'use "1" for yes' in result.output


def test_files_of_the_recipe_say_what_words_cannot(desk: Desk, tmp_path: Path) -> None:
    documents: dict[str, Any] = {
        "PVR_ARGS_JSON": {"PV_LXC_EXTRA_ENV": ["GREETING=hello world"]},
        "PVR_CONFIG_JSON": {"Cmd": ["serve", "a word"]},
        "PVR_LOGS_JSON": [{"file": "/var/log/app.log", "maxsize": 1000}],
        "PVR_EXPORTS_JSON": [{"name": "socket"}],
    }
    files = desk.build.directory.parent / "one/recipes/files"
    files.mkdir()
    for variable, document in documents.items():
        (files / variable).write_text(json.dumps(document))
    names = " ".join(f"file://{variable}" for variable in documents)
    lines = [
        f'SRC_URI:append:pn-app = " {names}"',
        *(f'{variable}:pn-app = "{variable}"' for variable in documents),
    ]
    desk.configure(*lines)
    assert "app: exports, logs of run.json: only the published runtime" in desk.run().output
    assert "0 problems; checked strictly: " in desk.verify()
    state, _ = desk.read(tmp_path)
    run = state["app/run.json"]
    assert (run["logs"], run["exports"]) == (documents["PVR_LOGS_JSON"], documents["PVR_EXPORTS_JSON"])
    lxc = ObjectPool(tmp_path).path(str(state["app/lxc.container.conf"])).read_text()
    assert "lxc.environment = GREETING=hello world" in lxc and 'serve "a word"' in lxc
    (files / "PVR_CONFIG_JSON").write_text('{"Cmd": ["serve"], "Cmd": ["away"]}')
    assert "PVR_CONFIG_JSON: " in desk.build.run("app").failed().output
    (files / "PVR_CONFIG_JSON").write_text('{"Cmd": ["away"]}')
    assert 'app: its root file system has no "away"\n' in desk.build.run("app").failed().output
    (files / "PVR_CONFIG_JSON").write_text('{"Cmd": ["serve"]}')
    (files / "PVR_LOGS_JSON").write_text("{}")
    result = desk.build.run("app").failed()
    assert "PVR_LOGS_JSON: " in result.output and "does not hold a JSON list" in result.output


PREBUILT = """\
SUMMARY = "One file"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
inherit pvrexport
"""


def test_a_finished_container_of_a_published_recipe_is_taken_and_signed_anew(
    desk: Desk, tmp_path: Path
) -> None:
    desk.configure()
    desk.run()
    before, _ = desk.read(tmp_path)
    files = desk.build.directory.parent / "one/recipes/prebuilt"
    (files / "overlay/etc").mkdir(parents=True)
    (files / "overlay/etc/motd").write_text("hello")
    (files / "prebuilt.args.json").write_text('{"PV_LXC_EXTRA_ENV": ["BUS=::PV_DBUS_PROVIDER::"]}')
    shutil.copy(desk.export, files / "app.x86.tgz")
    lines = """\
SRC_URI = "file://app.x86.tgz file://prebuilt.args.json file://overlay"
PVCONT_NAME = "app"
PV_CONFIG_OVERLAY_DIR = "overlay"
PV_DBUS_PROVIDER = "system"
"""
    recipe = files.with_name("prebuilt_1.0.bb")
    recipe.write_text(PREBUILT + lines)
    shutil.rmtree(desk.build.directory / "tmp/deploy", ignore_errors=True)
    desk.build.run("prebuilt").succeeded()
    # Where the container's own recipe deploys, to be read and verified as that is.
    os.replace(desk.build.deployed("prebuilt.pvrexport.tgz"), desk.export)
    assert "0 problems; checked strictly: " in desk.verify()
    state, _ = desk.read(tmp_path)
    assert state["app/root.squashfs"] == before["app/root.squashfs"]
    assert state["app/run.json"] == before["app/run.json"]
    assert ObjectPool(tmp_path).path(str(state["_config/app/etc/motd"])).read_text() == "hello"
    lxc = ObjectPool(tmp_path).path(str(state["app/lxc.container.conf"])).read_text()
    assert "lxc.environment = BUS=system" in lxc
    recipe.unlink()


def test_a_directory_with_the_files_of_a_container_is_one(desk: Desk, tmp_path: Path) -> None:
    desk.configure()
    desk.build.run("app", "-c", "clean").succeeded()
    desk.run().succeeded()
    before, _ = desk.read(tmp_path)
    tree = desk.build.directory.parent / "tree"
    for path, value in before.items():
        if path.startswith("app/"):
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            text = ObjectPool(tmp_path).path(value).read_bytes() if isinstance(value, str) else b""
            (tree / path).write_bytes(text or json.dumps(value).encode())
    recipe = desk.build.directory.parent / "one/recipes/prebuilt_1.0.bb"
    recipe.write_text(f'{PREBUILT}PVR_SRC_DIR = "{tree}"\nPVR_CONTAINER = "app"\n')
    desk.build.run("prebuilt").succeeded()
    os.replace(desk.build.deployed("prebuilt.pvrexport.tgz"), desk.export)
    assert "0 problems; checked strictly: " in desk.verify()
    changed = ("src.json", "_sigs/app.json")
    own = {path: value for path, value in before.items() if not path.endswith(changed)}
    assert own.items() <= desk.read(tmp_path)[0].items()
    (tree / "app/run.json").unlink()
    result = desk.build.run("prebuilt", "-C", "pvrexport").failed()
    assert "neither a repository nor an export" in result.output
    recipe.unlink()


def test_the_place_of_a_mirror_is_not_in_the_bytes(desk: Desk) -> None:
    recipe = desk.build.directory.parent / "one/recipes/mirrored_1.0.bb"

    def build() -> bool:
        """Build it from a registry at another port; whether that was asked for anything."""
        with Registry() as registry:
            digest = registry.add("one", "1", images.image(FILES, config=CONFIG))
            recipe.write_text(MIRRORED.format(digest=digest))
            mirror = f'PVR_REGISTRY_MIRRORS = "registry.test={registry.host}"'
            desk.configure(mirror, 'DL_DIR = "${TOPDIR}/mirrored"')
            desk.build.run("mirrored").succeeded()
            return bool(registry.seen)

    assert build()
    export, ran = desk.build.deployed("mirrored.pvrexport.tgz"), desk.build.ran("mirrored")
    first = export.read_bytes()
    assert not build() and desk.build.ran("mirrored") == ran
    desk.build.run("mirrored", "-c", "cleanall").succeeded()
    assert build() and export.read_bytes() == first


def test_the_epoch_ends_the_times_in_the_image_and_changes_the_hash(desk: Desk, tmp_path: Path) -> None:
    desk.configure('PVR_SOURCE_DATE_EPOCH:pn-app = "1000"')
    desk.run().succeeded()
    _, image = desk.read(tmp_path)
    assert int.from_bytes(image.read_bytes()[8:12], "little") == 1000
    desk.configure('PVR_SOURCE_DATE_EPOCH:pn-app = "${SOURCE_DATE_EPOCH}"')
    desk.run().succeeded()
    _, image = desk.read(tmp_path)
    assert int.from_bytes(image.read_bytes()[8:12], "little") == 1767225600


def test_another_codec_library_is_reported_in_one_line(desk: Desk, tmp_path: Path) -> None:
    desk.configure()
    desk.run().succeeded()
    old = desk.read(tmp_path)[0]["app/src.json"]["squashfs"]["root.squashfs"]["version"]
    desk.configure(f'PVR_LIBSQUASHFS = "{codecs.another_version(tmp_path)}"')
    # The place of the library is not in any hash, so it is compared here.
    said = desk.run("-C", "pvrexport").output
    (line,) = (line for line in said.splitlines() if "other bytes" in line)
    assert line.startswith("WARNING: ") and line.endswith(
        f"app: app/root.squashfs: packed with {old} before, now {codecs.VERSION}: same content, other bytes"
    )
    assert "other bytes" not in desk.run("-C", "pvrexport").output


def test_no_task_depends_on_the_cache_and_it_is_next_to_the_downloads(desk: Desk, tmp_path: Path) -> None:
    desk.configure()
    desk.run("-C", "pvrexport")
    export, ran = desk.export.read_bytes(), desk.build.ran("app")
    usual = desk.build.directory / "pvr-cache"
    assert list(usual.iterdir())
    desk.configure(f'PVR_CACHE_DIR = "{tmp_path / "other"}"', 'PVR_CACHE_SIZE = "1G"')
    desk.run()
    assert desk.build.ran("app") == ran and not (tmp_path / "other").exists()
    desk.run("-C", "pvrexport")
    assert list((tmp_path / "other").iterdir()) and desk.export.read_bytes() == export
    (tmp_path / "other").chmod(0o777)
    desk.run("-C", "pvrexport")
    log = desk.build.log("app", "do_pvrexport")
    assert log.count("note: the cache is not used: ") == 1 and desk.export.read_bytes() == export
    shutil.rmtree(usual)
    desk.configure('PVR_CACHE_DIR = ""')
    desk.run("-C", "pvrexport")
    assert not usual.exists() and desk.export.read_bytes() == export


def test_a_size_of_the_cache_that_is_none_skips_the_recipe(desk: Desk) -> None:
    desk.configure('PVR_CACHE_SIZE = "much"')
    result = desk.build.run("app")
    assert result.status == 1 and 'PVR_CACHE_SIZE: "much" is not the size of a cache' in result.output


def test_a_tag_that_moved_is_warned_of_at_every_build(desk: Desk) -> None:
    recipe = desk.build.directory.parent / "one/recipes/tagged_1.0.bb"
    text = (recipe.parent / "app_1.0.bb").read_text()
    recipe.write_text(re.sub("@sha256:[0-9a-f]+", "", text).replace("/one:", "/tagged:"))
    first = desk.registry.add("tagged", "1", images.image(FILES, config=CONFIG))
    desk.configure()
    assert f'PVR_DOCKER_DIGEST = "{first}"' in desk.build.run("tagged").output
    second = desk.registry.add("tagged", "1", images.image({**FILES, "new": b"1"}, config=CONFIG))
    for _ in range(2):
        result = desk.build.run("tagged")
        assert result.status == 0 and f"now names {second}, but {first} is what" in result.output, (
            result.output
        )
    assert desk.build.ran("tagged").count("do_pvrexport") == 1
    recipe.unlink()


def test_a_misspelt_variable_ends_the_build_with_the_right_one(desk: Desk) -> None:
    desk.configure('PVR_VOLUME:pn-app = "/data:permanent"')
    result = desk.build.run("app").failed()
    assert 'unknown variable "PVR_VOLUME" is set (hint: use "PVR_VOLUMES")' in result.output
    desk.configure()
    desk.run()


def test_an_image_without_containers_is_refused_unless_none_is_written(desk: Desk) -> None:
    recipe = desk.build.directory.parent / "one/recipes/device_1.0.bb"
    recipe.write_text('LICENSE = "MIT"\ninherit pvroot-image\n')
    desk.configure()
    result = desk.build.run("device").failed()
    assert "PVROOT_CONTAINERS is empty, so the image would run nothing (hint: name recipes" in result.output
    recipe.write_text('LICENSE = "MIT"\nPVROOT_CONTAINERS = "none"\ninherit pvroot-image\n')
    assert "PVROOT_CONTAINERS" not in desk.build.run("device").failed().output  # there is no bsp here
    recipe.unlink()
