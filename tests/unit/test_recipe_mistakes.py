# SPDX-License-Identifier: MIT
"""What BitBake would pass over in silence skips the recipe, with the line to write."""

from pathlib import Path
from typing import Any

import pytest
from sim import bitbake_library
from sim.bitbake_library import recipe, skipped

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import bb.parse  # noqa: E402
import pvbb.deviceconfig  # noqa: E402
import pvbb.sources  # noqa: E402
import pvbb.variables  # noqa: E402


@pytest.fixture
def d() -> Any:
    made = recipe("pvrexport")
    pvbb.variables.check(made)
    return made


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("PANTAVISOR_CONSOL", "PANTAVISOR_CONSOLE"), ("PV_CONFIG_OVERLAYDIR", "PV_CONFIG_OVERLAY_DIR"),
     ("PANTAVISOR_INITRAMFS_MODULE:append", "PANTAVISOR_INITRAMFS_MODULES"),
     ("pvr_docker_ref", "PVR_DOCKER_REF"), ("Pvroot_Container:append", "PVROOT_CONTAINERS"),
     ("pvs_key_dir", "PVS_KEY_DIR"), ("PVR_APP_ADD_GRUOP", "PVR_APP_ADD_GROUP")],
)  # fmt: skip
def test_a_misspelt_name_of_a_recipe_or_of_the_published_layer_is_answered_by_the_nearest(
    d: Any, name: str, nearest: str
) -> None:
    d.setVar(name, "x")
    assert skipped(d) == f'demo: unknown variable "{name.partition(":")[0]}" is set (hint: use "{nearest}")'


@pytest.mark.parametrize(
    ("name", "argument"),
    [("PV_GROUP", "PV_GROUP"), ("PV_GRUOP", "PV_GROUP"), ("PV_GROUP:append", "PV_GROUP"),
     ("PVR_LXC_CGROUP_DEVICES_WHITE", "PVR_LXC_CGROUP_DEVICES_WHITE")],
)  # fmt: skip
def test_an_argument_that_is_set_as_a_variable_is_answered_by_the_line_to_write(
    d: Any, name: str, argument: str
) -> None:
    d.setVar("PV_MAJOR", "1")  # of the recipe's own
    d.setVar("PANTAVISOR_FEATURES", "xconnect")
    pvbb.variables.check(d)
    d.setVar(name, "x")
    assert skipped(d).endswith(f'PVR_ARGS (hint: write PVR_ARGS = "{argument}=...")')


@pytest.mark.parametrize(
    ("line", "place"),
    [('PVROOT_CONTAINERS:append = " web"', "into the recipe of the device (inherit pvroot-image)"),
     ('PVR_GROUP:pn-web ?= "x"', "into the recipe of the container (inherit pvrexport)"),
     ('PANTA_MULTICONFIG = "x"', "into the recipe of the device (inherit pvroot-image)"),
     ('PV_INITIAL_DTB:append = " x.dtb"', "into the recipe of the bsp (inherit bsp-pvrexport)"),
     ('PANTAVISOR_LOG_LEVEL = "debug"', "where pantavisor-config reads it")],
)  # fmt: skip
def test_a_variable_that_another_recipe_reads_skips_the_recipe(
    d: Any, line: str, place: str, tmp_path: Path
) -> None:
    recipe = tmp_path / "demo.bb"
    recipe.write_text(f'SUMMARY = "x"\n{line}\n')
    d.setVar("FILE", str(recipe))
    name = line.partition(":")[0].partition(" ")[0]
    what = f"{name} is set, which this recipe does not read"
    assert f"{what} (hint: write it {place}, or in the configuration as {name}:pn-NAME)" in skipped(d)
    d.setVarFlag(name, "doc", "Of a class that the recipe inherits.")
    pvbb.variables.check(d)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [("PVR_ARGS", "PV_A PV_B=1", "not NAME=value"),
     ("PVR_ARGS", "PV_GROUP=app PV_GROUP=root", "PVR_ARGS has PV_GROUP twice, as app and as root"),
     ("PVR_ARGS", "PV_GROUP=app PV_ROLES=mgmt", 'PVR_ROLES is "nobody", but PVR_ARGS has PV_ROLES=mgmt'),
     ("PVR_VOLUMES", "/a:boot /a:permanent", "volume /a is given twice, as boot and as permanent"),
     ("PANTAVISOR_SECUREBOOT_MODE", "stric", 'PANTAVISOR_SECUREBOOT_MODE "stric" (hint: use "strict'),
     ("PANTAVISOR_BOOTLOADER", "gruub", 'use "grub"'),
     ("PANTAVISOR_BOOTLOADER", "rpiab", 'counts no failed boots, so a revision that panics would stay'),
     ("PANTAVISOR_BOOTLOADER", "uboot-ab", 'no slots of flash are written here (hint: use "uboot"'),
     ("PANTAVISOR_BOOTLOADER", "grub uboot", 'PANTAVISOR_BOOTLOADER is "grub uboot" (hint: keep one word'),
     ("PANTAVISOR_SECUREBOOT_MODE", "strict lenient", 'is "strict lenient" (hint: keep one word'),
     ("PVR_STATUS_GOAL", "STARTED READY", 'PVR_STATUS_GOAL is "STARTED READY" (hint: keep one word'),
     ("PANTAVISOR_SECUREBOOT_SET", "yes", 'use "1" for yes'),
     ("PANTAVISOR_LOG_LEVEL", "debug", 'PANTAVISOR_LOG_LEVEL is "debug" (hint: use a number)'),
     ("PVS_KEY_DIR", "keys", 'PVS_KEY_DIR is "keys", which is not an absolute path'),
     ("PVR_CACHE_DIR", "cache", 'PVR_CACHE_DIR is "cache", which is not an absolute path'),
     ("PVR_DOCKER_AUTHFILE", "a.json", 'PVR_DOCKER_AUTHFILE is "a.json", which is not an absolute path')],
)  # fmt: skip
def test_of_two_values_none_is_lost(d: Any, variable: str, value: str, sentence: str) -> None:
    d.setVar("PVR_ROLES", "nobody")
    d.setVar(variable, value)
    assert sentence in skipped(d) and "(hint: " in skipped(d)


@pytest.mark.parametrize(
    ("key", "right"),
    [("PVR_VOLUMES:apend", "append"), ("PVR_VOLUMES:pn-demo:prepand", "prepend"),
     ("PVR_VOLUMES:removed", "remove"), ("PVR_GROUP:pn-deno", "pn-demo"),
     ("PVR_GROUP:pn-dmeo", "pn-demo")],
)  # fmt: skip
def test_an_override_that_never_applies_is_answered_by_the_right_one(d: Any, key: str, right: str) -> None:
    d.setVar(key, "x")
    word = key.rpartition(":")[2]
    assert skipped(d) == f'demo: {key} is set, and {word} has no meaning (hint: use ":{right}")'


def test_overrides_of_other_machines_and_recipes_are_kept(d: Any, tmp_path: Path) -> None:
    (tmp_path / "demos_1.0.bb").touch()
    d.setVar("BBFILES", f"{tmp_path}/*.bb {tmp_path}/*.bbappend")
    for key in ("PVR_GROUP:pn-demos", "PVR_GROUP:pn-web", "PVR_GROUP:remote", "PVR_GROUP:pn-demo"):
        d.setVar(key, "app")
    pvbb.variables.check(d)


@pytest.mark.parametrize(
    ("own", "other"),
    [("app-1", "app-2"), ("sensor-a", "sensor-b"), ("demo-web-server", "demo-web-server-native"),
     ("demo-web-server", "lib32-demo-web-server"), ("gateway2", "gateway10"), ("gateway", "gateway-v2"),
     ("acme-gateway-web", "acme-gateway-app")],
)  # fmt: skip
def test_overrides_of_recipes_whose_layers_are_not_in_the_build_are_kept(
    d: Any, own: str, other: str
) -> None:
    d.setVar("PN", own)
    d.setVar(f"PVR_GROUP:pn-{other}", "app")
    pvbb.variables.check(d)


def test_what_takes_several_words_keeps_them(d: Any) -> None:
    d.setVar("PVR_ROLES", "nobody mgmt")
    d.setVar("PVROOT_SBOM", "spdx cyclonedx")
    pvbb.variables.check(d)


def test_the_same_twice_is_one(d: Any) -> None:
    d.setVar("PVR_ROLES", "mgmt  mgmt")
    d.setVar("PVR_ARGS", "PV_GROUP=app PV_GROUP=app PV_ROLES=mgmt,mgmt")
    d.setVar("PVR_VOLUMES", "/a:boot /a/:boot ovl:/a:permanent")
    pvbb.variables.check(d)


@pytest.mark.parametrize(
    ("source", "variable", "hint"),
    [("PVR_ROOTFS", "PVR_DOCKER_DIGEST", "PVR_DOCKER_REF"),
     ("PVR_SRC_DIR", "PVR_DOCKER_DIGEST", "PVR_DOCKER_REF"),
     ("PVR_ROOTFS", "PVR_SRC_PART", "PVR_SRC_URI or PVR_SRC_DIR")],
)  # fmt: skip
def test_what_is_said_of_another_source_is_refused(d: Any, source: str, variable: str, hint: str) -> None:
    d.setVar(source, "/somewhere")
    d.setVar(variable, "x")
    what = f"demo: {variable} is set, which has no meaning for {source}"
    assert skipped(d) == f"{what} (hint: remove it, or name {hint})"


@pytest.mark.parametrize(
    ("word", "hint"),
    [("PV_UPDATER_GOAL_TIMEOUT=60", 'use "PV_UPDATER_GOALS_TIMEOUT"'),
     ("PV_WDT_MODE", "write PV_WDT_MODE=..."),
     ("PV_LOG_LEVEL=", "write PV_LOG_LEVEL=...")],
)  # fmt: skip
def test_a_key_that_the_runtime_would_pass_over_is_refused(d: Any, word: str, hint: str) -> None:
    d.setVar("PANTAVISOR_CONFIG", "PV_WDT_TIMEOUT=9 wdt.mode=always")
    pvbb.deviceconfig.check(d)
    d.setVar("PANTAVISOR_CONFIG", f"PV_WDT_TIMEOUT=9 {word}")
    with pytest.raises(bb.parse.SkipRecipe) as caught:
        pvbb.deviceconfig.check(d)
    assert str(caught.value).endswith(f"(hint: {hint})")


def test_a_file_that_nothing_reads_is_found(d: Any, tmp_path: Path) -> None:
    recipe = tmp_path / "demo.bb"
    recipe.write_text("# file://again\ndo_configure() { cat again; }\n")
    d.setVar("FILE", str(recipe))
    d.setVar("PVR_CONFIG_JSON", "files/config.json")
    d.setVar("PVR_CONFIG_OVERLAY", "overlay")
    words = "file://files file://overlay/etc/x;subdir=a file://overlay file://again https://e.org/x.json"
    d.setVar("SRC_URI", f"{words} file://logs.json file://over")
    assert pvbb.sources.unread(d) == ["logs.json", "over"]
