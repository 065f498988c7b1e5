# SPDX-License-Identifier: MIT
"""Lines of recipes and configurations that lose what they set, as BitBake reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sim import bitbake_library
from sim.bitbake_library import LAYER, recipe, skipped

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import bb.parse  # noqa: E402
import pvbb.recipe  # noqa: E402
import pvbb.variables  # noqa: E402


class Written:
    """A recipe and a configuration in files."""

    def __init__(self, folder: Path, *classes: str) -> None:
        self.folder, self.d = folder, recipe(*classes)
        for name, value in {"MACHINE": "qemux86-64", "OVERRIDES": "qemux86-64:pn-demo"}.items():
            self.d.setVar(name, value)

    def has(self, recipe: str, configuration: str = "", *, appended: str = "") -> Any:
        texts = {"demo.bb": recipe, "demo.bbappend": appended, "local.conf": configuration}
        paths = {name: self.folder / name for name in texts}
        for name, text in texts.items():
            paths[name].write_text(f"{text}\n")
        self.d.setVar("FILE", str(paths["demo.bb"]))
        self.d.setVar("__depends", [(str(paths[name]), 0) for name in ("demo.bb", "demo.bbappend")])
        self.d.setVar("__base_depends", [(str(paths["local.conf"]), 0)])
        return self.d


@pytest.fixture
def device(tmp_path: Path) -> Written:
    made = Written(tmp_path, "pvroot-image", "pvroot-parts")
    for name in ("PVROOT_CONTAINERS", "PVROOT_SBOM", "PVROOT_SIZE"):
        made.d.setVarFlag(name, "doc", "Of a class that the recipe inherits.")
    return made


@pytest.mark.parametrize(
    ("line", "hint"),
    [('IMAGE_INSTALL:append = " nano"', "image-pvrexport"), ('IMAGE_FEATURES += "x"', "image-pvrexport"),
     ('ROOTFS_POSTPROCESS_COMMAND += "x;"', "image-pvrexport"),
     ('CORE_IMAGE_EXTRA_INSTALL = "x"', "image-pvrexport"), ('EXTRA_USERS_PARAMS = "x"', "image-pvrexport"),
     ('IMAGE_ROOTFS_SIZE = "9"', "use PVROOT_SIZE"),
     ('WKS_FILE = "x.wks"', "inherit pvroot-wic, and use PVROOT_WKS")],
)  # fmt: skip
def test_what_fills_a_root_file_system_is_refused_in_a_device(
    device: Written, line: str, hint: str
) -> None:
    name = line.partition(" ")[0].partition(":")[0]
    for d in (device.has(line), device.has("", appended=line)):
        assert skipped(d).startswith(f"demo: {name} is set, ") and hint in skipped(d)
    own = line.replace(" ", ":pn-demo ", 1)
    assert hint in skipped(device.has("", own))
    pvbb.variables.check(device.has("", line))  # that is for other images
    pvbb.variables.check(device.has('IMAGE_BOOT_FILES = "x"\nIMAGE_LINK_NAME = "x"'))


def test_what_fills_it_with_nothing_is_kept(device: Written) -> None:
    d = device.has('IMAGE_LINGUAS = " "')
    assert "IMAGE_LINGUAS is set" in skipped(d)
    d.setVar("IMAGE_LINGUAS", " ")
    pvbb.variables.check(d)


def test_it_is_refused_in_a_container_that_is_no_image(tmp_path: Path) -> None:
    d = Written(tmp_path, "pvrexport").has('IMAGE_INSTALL = "nano"')
    assert "but this container has no root file system of packages" in skipped(d)
    pvbb.variables.check(Written(tmp_path, "image-pvrexport").has('IMAGE_INSTALL = "nano"'))
    own = 'ROOTFS_IMAGE = "core-image-minimal"'
    pvbb.variables.check(Written(tmp_path, "pvrexport").has(own))


@pytest.mark.parametrize(
    ("line", "hint"),
    [('PVROOT_CONTAINERS += "api"', 'PVROOT_CONTAINERS:append = " api"'),
     ('PVROOT_CONTAINERS .= " api"', 'PVROOT_CONTAINERS:append = "api"'),
     ('PVROOT_CONTAINERS =+ "api"', 'PVROOT_CONTAINERS:prepend = "api "'),
     ('PVROOT_CONTAINERS = "api"', 'PVROOT_CONTAINERS:pn-demo = "api" there, or "?=" for a default')],
)  # fmt: skip
def test_a_list_of_the_configuration_that_the_recipe_replaces_is_lost(
    device: Written, line: str, hint: str, tmp_path: Path
) -> None:
    said = skipped(device.has('PVROOT_CONTAINERS = "web"', line))
    assert f"of {tmp_path}/local.conf is lost, since the recipe sets it (hint: write {hint})" in said
    for harmless in (line.replace("S ", "S:pn-demo ", 1), 'PVROOT_CONTAINERS ?= "web"', f"# {line}"):
        pvbb.variables.check(device.has('PVROOT_CONTAINERS = "web"', harmless))
    pvbb.variables.check(device.has("", line))


def test_what_the_recipe_sets_by_an_override_is_not_added_to_either(device: Written) -> None:
    added = 'PVROOT_CONTAINERS += "api"'
    d = device.has('PVROOT_CONTAINERS:pn-demo = "web"', added)
    assert "is lost, since the recipe sets it (hint: write PVROOT_CONTAINERS:append" in skipped(d)
    pvbb.variables.check(device.has('PVROOT_CONTAINERS:qemuarm64 = "web"', added))


@pytest.mark.parametrize("weak", ["?=", "??="])
def test_an_addition_that_takes_the_default_away_is_refused(device: Written, weak: str) -> None:
    d = device.has(f'PVROOT_CONTAINERS {weak} "web"', 'PVROOT_CONTAINERS += "api"')
    assert 'takes the default "web" away (hint: write PVROOT_CONTAINERS:append = " api")' in skipped(d)
    pvbb.variables.check(
        device.has(f'PVROOT_CONTAINERS {weak} "web"', 'PVROOT_CONTAINERS = "a"\nPVROOT_CONTAINERS += "b"')
    )


@pytest.mark.parametrize("place", ["recipe", "configuration"])
def test_a_default_of_a_class_is_not_lost_either(device: Written, place: str) -> None:
    line = 'PVROOT_SBOM += "cyclonedx"'
    d = device.has(line) if place == "recipe" else device.has("", line)
    assert 'the default "spdx" away (hint: write PVROOT_SBOM:append = " cyclonedx")' in skipped(d)
    d = device.has(f'PVROOT_SBOM = "spdx"\n{line}')
    pvbb.variables.check(d)


def test_what_has_its_effect_nevertheless_is_not_lost(device: Written, tmp_path: Path) -> None:
    added, taken = 'PVROOT_CONTAINERS += "api"', 'PVROOT_CONTAINERS := "${PVROOT_CONTAINERS} web"'
    assert "is lost" in skipped(device.has(taken, added))
    device.d.setVar("PVROOT_CONTAINERS", " api web")
    pvbb.variables.check(device.has(taken, added))
    assert "is lost" in skipped(device.has(taken, 'PVROOT_CONTAINERS += "\\\n    other"'))
    product = tmp_path / "product.bbclass"
    product.write_text('PVROOT_CONTAINERS ?= "web"\n')
    device.d.setVar("__inherit_cache", [*device.d.getVar("__inherit_cache"), str(product)])
    pvbb.variables.check(device.has(f"inherit product\n{added}"))  # the class was read before
    device.d.setVar("PVROOT_CONTAINERS", " api")
    assert 'takes the default "web" away' in skipped(device.has(f"{added}\ninherit product"))


@pytest.mark.parametrize(
    ("key", "right"),
    [("PVR_MEMORY:qemux86-46", "qemux86-64"), ("PVCONT_NAME:qemux86-46", "qemux86-64"),
     ("PVR_MEMORY:append:qemu86-64", "qemux86-64")],
)  # fmt: skip
def test_a_misspelt_machine_is_answered_by_the_right_one(tmp_path: Path, key: str, right: str) -> None:
    d = Written(tmp_path, "pvrexport").has("")
    d.setVar(key, "64M")
    word = key.rpartition(":")[2]
    assert skipped(d) == f'demo: {key} is set, and {word} has no meaning (hint: use ":{right}")'


@pytest.mark.parametrize("word", ["qemux86", "qemuarm64", "raspberrypi4-64", "class-target", "qemux86-65"])
def test_other_machines_are_kept(tmp_path: Path, word: str) -> None:
    d = Written(tmp_path, "pvrexport").has("")
    d.setVar(f"PVR_MEMORY:{word}", "64M")
    pvbb.variables.check(d)
    # One that exists is one, whatever it is like.
    (tmp_path / "conf/machine").mkdir(parents=True)
    (tmp_path / "conf/machine/qemux86-46.conf").touch()
    d.setVar("BBPATH", f"/nowhere:{tmp_path}")
    d.setVar("PVR_MEMORY:qemux86-46", "64M")
    pvbb.variables.check(d)


@pytest.mark.parametrize("word", ["qemux86-46", "pn-deno"])
def test_an_override_next_to_the_one_that_it_is_like_is_kept(tmp_path: Path, word: str) -> None:
    d = Written(tmp_path, "pvrexport").has("")
    d.setVar(f"PVR_MEMORY:{word}", "64M")
    d.setVar("PVR_PIDS:qemux86-64", "9")
    assert "has no meaning" in skipped(d)
    for own in ("qemux86-64", "pn-demo"):
        d.setVar(f"PVR_MEMORY:{own}", "64M")
    pvbb.variables.check(d)


@pytest.mark.parametrize(
    "task", ["do_install() {", "do_compile:append () {", "python do_install() {", "do_configure() {"]
)
@pytest.mark.parametrize("where", ["recipe", "appended"])
def test_a_task_that_does_not_run_is_not_written(tmp_path: Path, task: str, where: str) -> None:
    written = f"{task}\n    echo\n}}"
    texts = {"recipe": "", "appended": "", where: written}
    d = Written(tmp_path, "pvr-artifact").has(texts["recipe"], appended=texts["appended"])
    name = task.removeprefix("python ").partition("(")[0].partition(":")[0].strip()
    pvbb.variables.check(d)
    d.setVarFlag(name, "noexec", "1")
    file = tmp_path / ("demo.bb" if where == "recipe" else "demo.bbappend")
    assert f"{name} of {file} is written, which does not run here" in skipped(d)


@pytest.mark.parametrize("body", ["{ : }", "{\n    :\n}", "{ true; }", "{\n    pass\n}", "{\n}"])
def test_a_task_that_does_nothing_may_be_written(tmp_path: Path, body: str) -> None:
    d = Written(tmp_path, "pvr-artifact").has(f"do_compile() {body}\n")
    d.setVarFlag("do_compile", "noexec", "1")
    pvbb.variables.check(d)
    d = Written(tmp_path, "pvr-artifact").has(f"do_compile() {body[:-1]}\n    echo\n}}\n")
    d.setVarFlag("do_compile", "noexec", "1")
    assert "do_compile of" in skipped(d)


@pytest.mark.parametrize(
    ("line", "name"),
    [('PVR_DOCKER_REF = "x/y:1"', "pvrexport"), ('PVROOT_CONTAINERS = "web"', "pvroot-image"),
     ('PVR_SRC_DIR = "files"', "pvrexport"), ('PVR_BSP_KERNEL = "zImage"', "bsp-pvrexport")],
)  # fmt: skip
def test_a_recipe_that_forgot_its_class_is_skipped(tmp_path: Path, line: str, name: str) -> None:
    d = Written(tmp_path).has(line)
    variable = line.partition(" ")[0]
    d.setVar(variable, "x")
    with pytest.raises(bb.parse.SkipRecipe, match=f"write inherit {name}"):
        pvbb.variables.need_class(d)
    pvbb.variables.need_class(Written(tmp_path).has("", line))
    d.setVarFlag(variable, "doc", "Read.")
    pvbb.variables.need_class(d)


def test_the_recipe_of_a_container_that_no_layer_finds_is_named(tmp_path: Path) -> None:
    d = recipe("pvroot-image")
    folder = tmp_path / "meta-own/recipes-apps/web"
    folder.mkdir(parents=True)
    (folder / "web_1.0.bb").touch()
    for name, value in {"PVROOT_CONTAINERS": "web", "BBLAYERS": f"{LAYER} {tmp_path}/meta-own"}.items():
        d.setVar(name, value)
    with pytest.raises(bb.parse.SkipRecipe) as caught:
        pvbb.recipe.need_containers(d)
    hint = f'BBFILES += "${{LAYERDIR}}/recipes-apps/web/*.bb" into {tmp_path}/meta-own/conf/layer.conf'
    assert str(caught.value).endswith(f"finds {folder}/web_1.0.bb (hint: write {hint})")
    d.setVar("BBFILES", f"{tmp_path}/meta-own/recipes-*/*/*.bb")
    pvbb.recipe.need_containers(d)
