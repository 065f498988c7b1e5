# SPDX-License-Identifier: MIT
"""Names of the published layer in a recipe: taken over, or the recipe is skipped with the line to write."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sim import bitbake_library
from sim.bitbake_library import LAYER, recipe, skipped

bitbake_library.need()

import bb  # noqa: E402
import bb.data  # noqa: E402
import bb.parse  # noqa: E402
import pvbb.published  # noqa: E402
import pvbb.recipe  # noqa: E402
import pvbb.sources  # noqa: E402
import pvbb.variables  # noqa: E402
from pantavisor import manifests  # noqa: E402
from pvbb.published import (  # noqa: E402
    CLASSES,
    FEATURES,
    HARMLESS,
    INHERIT,
    KEPT,
    RENAMED,
    REPLACED,
    SIDE_FILES,
    TASKS,
)

PAGE = (LAYER / "docs/published-layer.md").read_text()


@pytest.fixture
def d() -> Any:
    return recipe("pvrexport", "pvr-container")


@pytest.mark.parametrize("name", sorted(RENAMED))
def test_a_renamed_variable_sets_the_one_here_unless_that_says_something_else(d: Any, name: str) -> None:
    value, other = ("mgmt", "nobody") if RENAMED[name] == "PVR_ROLES" else ("value", "other")
    d.setVar(name, value)
    pvbb.variables.check(d)
    assert d.getVar(RENAMED[name]) == value
    d.setVar(RENAMED[name], other)
    assert f'{name} is "{value}", but {RENAMED[name]}' in skipped(d)


@pytest.mark.parametrize("name", sorted(REPLACED))
def test_what_is_not_here_skips_the_recipe_with_the_line_to_write(d: Any, name: str) -> None:
    d.setVar(name, "value")
    assert f"demo: {name} is a variable of the published layer" in (message := skipped(d))
    assert f"(hint: {REPLACED[name]})" in message
    for value in HARMLESS.get(name, ("",)):
        d.setVar(name, value)
        pvbb.variables.check(d)


@pytest.mark.parametrize("name", sorted(name for name, reason in CLASSES.items() if reason))
def test_a_class_that_is_not_here_skips_the_recipe(name: str) -> None:
    assert (LAYER / f"classes/{name}.bbclass").is_file()
    with pytest.raises(bb.parse.SkipRecipe, match=f'"{name}" is a class of the published layer') as caught:
        pvbb.published.absent(recipe(name))
    assert f"(hint: {INHERIT.get(name, 'remove it from the line inherit')}" in str(caught.value)


HINTS = sorted({*REPLACED.values(), *INHERIT.values(), *FEATURES.values()} - {""})
LINE = re.compile(r'write (\w+) = "([^"]*)"')


@pytest.mark.parametrize("hint", HINTS)
def test_what_a_hint_names_is_known_here_and_its_line_is_accepted(d: Any, hint: str) -> None:
    known = {*pvbb.variables._known(str(LAYER)), *manifests.ARGUMENTS, *HARMLESS}
    named = set(re.findall(r"\b(?:PVR|PVROOT|PVS|PANTAVISOR)\w*_\w+", hint))
    assert named <= known
    for name, value in LINE.findall(hint):
        d.setVar(name, value)
    pvbb.variables.check(d)


def test_classes_of_the_same_name_are_here() -> None:
    assert all((LAYER / f"classes/{name}.bbclass").is_file() for name in CLASSES)


@pytest.mark.parametrize("word", [*FEATURES, "unheard-of"])
def test_a_feature_is_so_anyway_or_skips_the_recipe(d: Any, word: str) -> None:
    d.setVar("PANTAVISOR_FEATURES", word)
    hint = FEATURES.get(word, "remove it")
    if hint:
        assert f'"{word}" (hint: ' in (message := skipped(d)) and hint in message
    else:
        pvbb.variables.check(d)


@pytest.mark.parametrize(
    "name", ["demo.args.json", "demo.config.json", "demo.network.json", "services.json"]
)
def test_side_files_are_found_by_their_names(d: Any, name: str) -> None:
    variable = SIDE_FILES[name.split(".")[-2]]
    d.setVar("SRC_URI", f"file://a/{name};x=y file://other.args.json")
    pvbb.variables.check(d)
    assert d.getVar(variable) == f"a/{name}"
    pvbb.variables.check(d)
    d.setVar(variable, "mine.json")
    assert f"mine.json is {variable}, and a/{name} of SRC_URI would be so by its name" in skipped(d)


@pytest.mark.parametrize(
    ("entry", "place"),
    [("https://x/a/demo.args.json;sha256sum=0", "demo.args.json"),
     ("https://x/get?id=1;downloadfilename=demo.args.json", "demo.args.json"),
     ("file://a%20b/demo.args.json", "a b/demo.args.json"),
     ("file://demo.args.json;subdir=there", "there/demo.args.json")],
)  # fmt: skip
def test_side_files_may_come_from_anywhere(d: Any, entry: str, place: str) -> None:
    d.setVar("SRC_URI", entry)
    pvbb.variables.check(d)
    assert d.getVar("PVR_ARGS_JSON") == place


@pytest.mark.parametrize(
    "value", ["${UNPACKDIR}/a/demo.args.json", "./a/demo.args.json", "a//demo.args.json"]
)
def test_a_side_file_may_be_named_by_any_path(d: Any, value: str) -> None:
    d.setVar("UNPACKDIR", "/build/sources")
    d.setVar("SRC_URI", "file://a/demo.args.json")
    d.setVar("PVR_ARGS_JSON", value)
    pvbb.variables.check(d)
    assert d.getVar("PVR_ARGS_JSON", False) == value


def test_of_two_side_files_neither_is_lost(d: Any) -> None:
    d.setVar("SRC_URI", "file://demo.network.json file://network.json")
    assert "demo.network.json is PVR_NETWORK_JSON, and network.json of SRC_URI would be so" in skipped(d)


@pytest.mark.parametrize("task", [*TASKS, "do_fetch_pvr:append"])
def test_a_task_that_nothing_runs_skips_the_recipe(d: Any, task: str) -> None:
    name = task.partition(":")[0]
    d.setVarFlag(name, "noexec", "0")
    pvbb.variables.check(d)
    d.setVar(task, "    true\n")
    assert f"{name} is a task of the published layer, and does not run here (hint: {TASKS[name]})" in (
        skipped(d)
    )


def test_a_side_file_without_a_meaning_here_is_not_passed_over(d: Any) -> None:
    d.setVar("SRC_URI", "file://mdev.json")
    assert "mdev.json is a side file of the published layer" in skipped(d)


def test_options_of_pvr_app_add_become_variables(d: Any) -> None:
    words = "--volume ovl:/etc:permanent --config=Cmd=serve --config 'Env=[\"A=b c\"]' --arg PV_X=1"
    d.setVar("PVR_APP_ADD_EXTRA_ARGS", f"{words} --volume=/x:boot --group root")
    pvbb.variables.check(d)
    assert d.getVar("PVR_VOLUMES") == "ovl:/etc:permanent /x:boot"
    assert d.getVar("PVR_GROUP") == "root"
    expected = {"config": {"Cmd": "serve", "Env": ["A=b c"]}, "arguments": {"PV_X": "1"}}
    assert json.loads(d.getVar("PVR_APP_WORDS")) == expected


@pytest.mark.parametrize(
    ("words", "sentence"),
    [("--base x", 'has "--base", which has no counterpart here'), ("--volume", "--volume has no value"),
     ("--config Cmd", "write --config=NAME=VALUE"), ("--arg 'a", "No closing quotation"),
     ("--config=Cmd=[1", "is not valid JSON"),
     ("--config Env=A=b --config Env=C=d", "two values of --config=Env (hint: keep one, or write a list"),
     ("--group root --group app", 'has --group=app, but PVR_GROUP is "root"')],
)  # fmt: skip
def test_a_wrong_option_skips_the_recipe(d: Any, words: str, sentence: str) -> None:
    d.setVar("PVR_APP_ADD_EXTRA_ARGS", words)
    assert sentence in skipped(d)


def test_an_option_and_its_variable_say_the_same(d: Any) -> None:
    d.setVar("PVR_APP_ADD_EXTRA_ARGS", "--group root --group root")
    d.setVar("PVR_APP_ADD_GROUP", "root")
    pvbb.variables.check(d)
    d.setVar("PVR_GROUP", "app")
    d.delVar("PVR_APP_ADD_GROUP")
    assert 'PVR_APP_ADD_EXTRA_ARGS has --group=root, but PVR_GROUP is "app"' in skipped(d)


def test_a_name_that_the_published_layer_shortens_has_to_be_written_down(d: Any) -> None:
    d.setVar("BPN", "pv-demo-pv-x")
    assert 'write PVR_CONTAINER = "demo-x" or "pv-demo-pv-x"' in skipped(d)
    d.setVar("PVCONT_NAME", "demo")
    pvbb.variables.check(d)
    assert d.getVar("PVR_CONTAINER") == "demo"


SUM = "0" * 64


@pytest.mark.parametrize(
    ("sources", "part"),
    [
        ({"PVR_SRC_URI": f"https://x/a/app.tgz;sha256sum={SUM}"}, "app.tgz"),
        ({"PVR_SRC_URI": f"https://x/web_1%2B2.tgz;sha256sum={SUM}"}, "web_1+2.tgz"),
        ({"PVR_SRC_URI": f"https://x/?f=a;downloadfilename=b.tgz;sha256sum={SUM}"}, None),
        ({"PVR_SRC_URI": f"https://x/a.tgz;downloadfilename=b.tgz;sha256sum={SUM}"}, "b.tgz"),
        ({"PVR_SRC_URI": "file://sub/app.pvrexport.tgz"}, "sub/app.pvrexport.tgz"),
        ({"SRC_URI": "file://x.json file://app.tar.xz;subdir=y"}, "y/app.tar.xz"),
        ({"PVR_SRC_DIR": "tree"}, "tree"),
    ],
)
def test_a_finished_container_comes_from_a_file_with_a_checksum_or_from_a_directory(
    d: Any, sources: dict[str, str], part: "str | None"
) -> None:
    for name, value in sources.items():
        d.setVar(name, value)
    if part is None:
        assert "is not an export's file" in skipped(d)
        return
    pvbb.sources.container(d)
    assert d.getVar("PVR_PART") == part
    entries = [word for word in (d.getVar("SRC_URI") or "").split() if ".t" in word]
    assert [word.count(";unpack=0") for word in entries] == ([1] if "PVR_SRC_DIR" not in sources else [])


def test_a_task_that_the_recipe_adds_runs(d: Any) -> None:
    d.setVar("do_fetch_pvr", "    true\n")
    d.setVarFlag("do_fetch_pvr", "task", "1")
    pvbb.variables.check(d)


@pytest.mark.parametrize(
    ("rootfs", "given", "expected"),
    [("/work/rootfs", "", "1000"), ("/work/rootfs", "5", "5"), ("/work/rootfs.tar.bz2", "", "")],
)
def test_a_directory_has_no_time_of_a_checkout(d: Any, rootfs: str, given: str, expected: str) -> None:
    d.setVar("SOURCE_DATE_EPOCH", "1000")
    d.setVar("PVR_SOURCE_DATE_EPOCH", given)
    d.setVar("PVR_ROOTFS", rootfs)
    pvbb.sources.container(d)
    assert d.getVar("PVR_SOURCE_DATE_EPOCH") == expected


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        ({"PVR_SRC_URI": "https://x/app.tgz"}, 'no checksum (hint: write SRC_URI[sha256sum] = "...")'),
        ({"SRC_URI": "https://x/app.tgz;name=a"}, "write SRC_URI[a.sha256sum]"),
        ({"PVR_SRC_URI": "https://pvr.example/user/device/0#os"}, "is not an export's file"),
        ({"PVR_SRC_URI": "file://a.tgz", "PVR_SRC_DIR": "b"}, "PVR_SRC_URI and PVR_SRC_DIR name 2 sources"),
        ({"SRC_URI": "file://a.tgz file://b.tgz"}, "SRC_URI has several archives"),
        ({"PVR_SRC_URI": "file://a.tgz file://b.tgz"}, "PVR_SRC_URI names several files"),
        ({}, "PVR_DOCKER_REF is not set"),
    ],
)
def test_a_source_that_cannot_be_taken_skips_the_recipe(
    d: Any, sources: dict[str, str], sentence: str
) -> None:
    for name, value in sources.items():
        d.setVar(name, value)
    assert sentence in skipped(d)


@pytest.mark.parametrize(
    "lines",
    [{"SRC_URI": "file://skeleton", "PVR_SRC_DIR": "/work/skeleton"}, {"SRC_URI": "file://a/device.json"}],
)
def test_a_skeleton_of_a_device_is_not_taken_for_a_container(
    d: Any, tmp_path: Path, lines: dict[str, str]
) -> None:
    (tmp_path / "skeleton/bsp").mkdir(parents=True)
    (tmp_path / "skeleton/device.json").write_text("{}")
    d.setVar("FILESPATH", str(tmp_path))
    for name, value in lines.items():
        d.setVar(name, value)
    assert '(hint: write PVR_DEVICE_JSON = "device.json"' in skipped(d)


def test_an_image_takes_core_containers_and_does_not_guess_what_others_mean(d: Any) -> None:
    d.setVar("PVROOT_CONTAINERS_CORE", "web sys web")
    pvbb.recipe.need_containers(d)
    assert pvbb.recipe.containers(d) == ["web", "sys"]
    d.setVar("PVROOT_BSP", "bsp")
    assert pvbb.recipe.part_tasks(d) == "web:do_deploy sys:do_deploy bsp:do_deploy"
    d.setVar("PVROOT_MULTICONFIG", "musl")
    assert pvbb.recipe.part_tasks(d) == ""
    for here, name in (("", ""), ("default", ""), ("other", "other")):
        d.setVar("BB_CURRENT_MC", here)
        assert pvbb.recipe.part_tasks_elsewhere(d).split()[0] == f"mc:{name}:musl:web:do_deploy"
    d.setVar("PVROOT_CONTAINERS", "extra")
    with pytest.raises(bb.parse.SkipRecipe, match="packages that no device reads"):
        pvbb.recipe.need_containers(d)


def test_a_device_is_no_image_of_openembedded_core_at_once() -> None:
    pvbb.recipe.need_no_image(recipe("pvroot-image"))
    both = recipe("pvroot-image", "image")
    with pytest.raises(bb.parse.SkipRecipe, match="hint: remove image from the line inherit"):
        pvbb.recipe.need_no_image(both)


@pytest.mark.parametrize(
    ("arch", "name"),
    [("x86_64", "amd64"), ("aarch64", "arm64"), ("arm", "arm32v6"), ("riscv64", "riscv64")],
)
def test_prebuilt_containers_are_called_by_the_machines_architecture(arch: str, name: str) -> None:
    made = recipe()
    made.setVar("TARGET_ARCH", arch)
    made.setVar("TUNE_FEATURES", "armv7a")
    assert pvbb.recipe.docker_arch(made) == name


def test_every_name_in_place_of_a_published_one_is_a_variable_of_the_layer() -> None:
    known = pvbb.variables._known(str(LAYER))
    assert set(RENAMED.values()) | {name for name in SIDE_FILES.values() if name} <= known
    assert not {*RENAMED, *REPLACED} & known


def test_the_page_has_each_name_once_with_what_it_is_here() -> None:
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    for table in (KEPT, REPLACED, TASKS, CLASSES, FEATURES):
        for name, text in table.items():
            assert rows.pop(name) == (text or "works"), name
    for name, new in RENAMED.items():
        assert rows.pop(name) == f"`{new}`", name
    for kind, variable in SIDE_FILES.items():
        assert rows.pop(f"{kind}.json") == (f"`{variable}`" if variable else "none"), kind
    assert not rows


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PVR_VERITY", "yes", 'PVR_VERITY is "yes" (hint: use "1" for yes, "0" for no)'),
        ("PVS_DEVELOPMENT_KEYS", "true", 'use "1" for yes'),
        ("PVROOT_SBOM", "spdy", 'unknown PVROOT_SBOM "spdy" (hint: use "spdx")'),
        ("PVROOT_SIZE", "1G", 'PVROOT_SIZE is "1G" (hint: use a number)'),
        ("PVR_STATUS_GOAL", "REDY", "READY"),
        ("PVR_ROLES", "mgmt nobdy", "nobody"),
        ("PVR_RESTART_POLICY", "sytem", "system"),
        ("PVR_MEMORY", "64 MB", "such as 64M or 1.5G"),
        ("PVR_SWAP", "none", "such as 64M or 1.5G"),
        ("PVR_CPUS", "0", "such as 0.5 or 2"),
        ("PVR_PIDS", "many", "write a number such as 100"),
        ("PVROOT_MEMORY", "1.5", "such as 64M or 1.5G"),
        ("PVR_PROFILE", "balance", "balanced"),
        ("PVR_PROFILE", "zstd:max", "write a number"),
        ("PVR_VOLUMES", "/data:permanet", "permanent"),
        ("PVR_ARGS", "PV_GRUP=x", "PV_GROUP"),
        ("PVR_ARGS", "PV_GROUP", "is not NAME=value"),
        ("PVR_CONTAINER", "a/b", "PVR_CONTAINER: "),
    ],
)
def test_a_wrong_value_skips_the_recipe_with_the_nearest_right_one(
    d: Any, name: str, value: str, sentence: str
) -> None:
    d.setVar(name, value)
    assert sentence in (message := skipped(d)) and name in message
