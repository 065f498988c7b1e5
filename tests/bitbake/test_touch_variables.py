# SPDX-License-Identifier: MIT
"""Which tasks run again where a variable is another: each of docs/variables.md is in this table, or has
a reason why not. A recipe for each, so two parses are enough for all, and nothing is built. Files and
digests are in test_touch.py.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from conftest import CORE, PROJECT, Build
from devtools import variables
from pantavisor import keys
from test_touch import LAYER_CONF

CONTAINER = f"""\
PVR_CONTAINER = "web"
PVR_DOCKER_REF = "registry.test/app:1"
PVR_DOCKER_DIGEST = "sha256:{"a" * 64}"
SRC_URI = "file://object.json file://list.json file://overlay"
inherit pvrexport
"""
ROOTFS = 'PVR_ROOTFS = "/a"\ninherit pvrexport\n'
EXPORT = 'PVR_SRC_URI = "file://a.tgz"\ninherit pvrexport\n'
DIRECTORY = 'PVR_SRC_DIR = "/a"\ninherit pvrexport\n'
BSP = """\
PVR_BSP_KERNEL = "kernel"
PVR_BSP_INITRAMFS = "initramfs"
PVR_BSP_MODULES = ""
PVR_BSP_DEPENDS = ""
SRC_URI = "file://object.json"
inherit bsp-pvrexport
"""
IMAGE = """\
PVROOT_CONTAINERS = "web"
PVROOT_BSP = "board"
PVROOT_BOOT_DEPENDS = ""
IMAGE_BOOT_FILES = "grub"
inherit pvroot-image
"""
CORE_IMAGE = IMAGE.replace("PVROOT_CONTAINERS", "PVROOT_CONTAINERS_CORE")
OTHERS = {"web": CONTAINER, "shop": CONTAINER, "board": BSP, "later": BSP}

NOTHING: frozenset[str] = frozenset()
PART = frozenset({"pvrexport", "deploy", "build"})
EFI = PART | {"efi_sign"}
SOURCE = PART | {"fetch", "unpack", "patch", "prepare_recipe_sysroot", "configure", "populate_lic"}
STATE = frozenset({"pvroot", "deploy", "build"})
# By what a recipe is, and what runs again: the variable and its other value. {root} has keys and files.
TABLE: dict[tuple[str, frozenset[str]], dict[str, str]] = {
    (CONTAINER, PART): {
        "PVR_APP_ADD_EXTRA_ARGS": "--group root",
        "PVR_ARGS": "PV_GROUP=root",
        "PVR_ARGS_JSON": "object.json",
        "PVR_CONFIG_JSON": "object.json",
        "PVR_CONFIG_OVERLAY": "overlay",
        "PVR_CONFINED": "0",
        "PVR_CONTAINER": "other",
        "PVR_CPUS": "2",
        "PVR_EXPORTS_JSON": "list.json",
        "PVR_GROUP": "root",
        "PVR_LOGS_JSON": "list.json",
        "PVR_MEMORY": "64M",
        "PVR_NETWORK_JSON": "object.json",
        "PVR_PIDS": "100",
        "PVR_PROFILE": "small",
        "PVR_RESTART_POLICY": "system",
        "PVR_ROLES": "mgmt",
        "PVR_SERVICES_JSON": "object.json",
        "PVR_SOURCE_DATE_EPOCH": "1000",
        "PVR_STATUS_GOAL": "READY",
        "PVR_SWAP": "64M",
        "PVR_VERITY": "1",
        "PVR_VOLUMES": "/x:boot",
        "PVS_CA": "{root}/other/ca.crt",
        "PVS_SIGN": "0",
        "PVS_X5C": "{root}/other/x5c.pem",
        "PV_DBUS_PROVIDER": "system",
    },
    (CONTAINER, SOURCE): {
        "PVR_DOCKER_DIGEST": f"sha256:{'b' * 64}",
        "PVR_DOCKER_PLATFORM": "linux/arm64",
        "PVR_DOCKER_REF": "registry.test/app:2",
    },
    # Where things are, and what they are reached by.
    (CONTAINER, NOTHING): {
        "PVR_CACHE_DIR": "/elsewhere",
        "PVR_CACHE_SIZE": "1G",
        "PVR_DOCKER_AUTHFILE": "/elsewhere",
        "PVR_DOCKER_LOCK": "/elsewhere",
        "PVR_DOCKER_PIN": "require",
        "PVR_INSECURE_REGISTRIES": "registry.test",
        "PVR_LIBSQUASHFS": "libsquashfs.so",
        "PVR_PYTHON": "/elsewhere/python3",
        "PVR_REGISTRY_MIRRORS": "registry.test=localhost:5000",
        "PVS_COMMAND": "/elsewhere/sign",
        "PVS_DEVELOPMENT_KEYS": "1",
        "PVS_ENVIRONMENT": "TOKEN",
        "PVS_KEY": "{root}/copy/key.pem",
        "PVS_KEY_DIR": "{root}/copy",
        "PVS_PKCS11_PIN_FILE": "/elsewhere/pin",
        "PVS_PKCS11_TOKEN": "other",
    },
    (ROOTFS, PART): {"PVR_ROOTFS": "/b"},
    (EXPORT, SOURCE): {"PVR_SRC_URI": "file://b.tgz"},
    (DIRECTORY, PART): {"PVR_SRC_DIR": "/b", "PVR_SRC_PART": "web"},
    (BSP, PART): {
        "PVR_BSP_FDT": "board.dtb",
        "PVR_BSP_FIRMWARE": "firmware.tgz",
        "PVR_BSP_FIT": "fit",
        "PVR_BSP_INITRAMFS": "other",
        "PVR_BSP_MODULES": "modules.tgz",
        "PVR_DEVICE_JSON": "object.json",
        "PVS_BOOT_COMMAND": "/elsewhere/sign",
        "PVS_BOOT_KEY": "{root}/other/key.pem",
    },
    (BSP, EFI): {
        "PANTAVISOR_EFI_CERT": "{root}/other/ca.crt",
        "PVR_BSP_DEPENDS": "web:do_deploy",
        "PVR_BSP_KERNEL": "other",
    },
    (BSP, NOTHING): {"PVS_BOOT_CERT": "{root}/other/ca.crt"},
    (IMAGE, STATE): {
        "IMAGE_BOOT_FILES": "grub other",
        "PVROOT_BOOT_DEPENDS": "shop:do_deploy",
        "PVROOT_BSP": "later",
        "PVROOT_CONTAINERS": "web shop",
        "PVROOT_MEMORY": "400M",
        "PVROOT_NAME": "other",
        "PVROOT_RELEASE": "2",
        "PVROOT_SBOM": "cyclonedx",
        "PVROOT_SIZE": "512",
        "PVS_SIGNERS": "{root}/signers.json",
    },
    (CORE_IMAGE, STATE): {"PVROOT_CONTAINERS_CORE": "web shop"},
    (IMAGE, NOTHING): {"PVROOT_DEPLOY_DIR": "/elsewhere"},
}
# Each of several is needed, or another recipe's tasks are meant: tests of their own.
ELSEWHERE = {
    "PANTAVISOR_": "recipes of the layer itself read it",
    "PVS_PKCS11": "needs all four variables of a token",
    "PVS_BOOT_LABEL": "needs a token",
    "PVR_TOOL_DEPENDS": "names recipes, whose tasks are other ones",
    "PVROOT_MULTICONFIG": "tests/oecore/test_multiconfig.py",
    "PVROOT_STORAGE": "set by the class",
    "PVROOT_WKS": "tests/oecore/test_wic.py",
}


def recipe(variable: str) -> str:
    return f"of-{variable.lower().replace('_', '-')}"


def test_every_variable_is_in_the_table() -> None:
    rows = [name for values in TABLE.values() for name in values]
    assert len(rows) == len(set(rows))
    left = {variable.name for variable in variables.read()} - set(rows)
    assert not [name for name in left if not name.startswith(tuple(ELSEWHERE))]


def desk(root: Path) -> Build:
    """A recipe for each row, in a layer of its own."""
    keys.generate(root / "keys", common_name="Test")
    shutil.copytree(root / "keys", root / "copy")
    keys.generate(root / "other", common_name="Other")
    (root / "signers.json").write_text("{}")
    touched = root / "touched"
    files = touched / "files"
    for folder in (touched / "conf", files / "overlay"):
        folder.mkdir(parents=True)
    contents = {"object.json": "{}", "list.json": "[]", "a.tgz": "a", "b.tgz": "b", "overlay/x": ""}
    for name, text in contents.items():
        (files / name).write_text(text)
    (touched / "conf/layer.conf").write_text(LAYER_CONF)
    recipes = {recipe(name): kind for (kind, _), values in TABLE.items() for name in values}
    for name, text in {**recipes, **OTHERS}.items():
        (touched / f"{name}.bb").write_text(f'LICENSE = "MIT"\n{text}')
    build = Build(root / "build", touched)
    (build.directory / "conf").mkdir(parents=True)
    layers = f"{CORE} {PROJECT}/meta-pantavisor {touched}"
    text = f'BBPATH = "${{TOPDIR}}"\nBBFILES ??= ""\nBBLAYERS = "{layers}"\n'
    (build.directory / "conf/bblayers.conf").write_text(text)
    return build


def hashes(build: Build, root: Path, lines: str) -> dict[str, dict[str, str]]:
    """recipe -> task -> hash, of all recipes."""
    build.configure(
        f'BBMASK += "{PROJECT}/meta-pantavisor/recipes-"\nBBFILE_PATTERN_IGNORE_EMPTY_pantavisor = "1"\n'
        f'PVS_KEY_DIR ?= "{root}/keys"\n{lines}'
    )
    shutil.rmtree(build.directory / "tmp/stamps", ignore_errors=True)
    targets = [*OTHERS, *(recipe(name) for values in TABLE.values() for name in values)]
    result = build.run("-S", "none", *targets)
    assert result.status == 0 and "ERROR" not in result.output, result.output
    found: dict[str, dict[str, str]] = {}
    for path in (build.directory / "tmp/stamps").rglob("*.sigdata.*"):
        match = re.fullmatch(r".*\.do_(\w+)\.sigdata\.([0-9a-f]+)", path.name)
        assert match
        found.setdefault(path.parent.name, {})[match[1]] = match[2]
    return found


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """recipe -> the tasks whose hash another value of its variable changes."""
    root = tmp_path_factory.mktemp("variables")
    build = desk(root)
    before = hashes(build, root, "")
    lines = [
        f'{name}:pn-{recipe(name)} = "{value.replace("{root}", str(root))}"\n'
        for values in TABLE.values()
        for name, value in values.items()
    ]
    after = hashes(build, root, "".join(lines))
    return {
        name: {task for task in tasks if after[name].get(task) != tasks[task]}
        for name, tasks in before.items()
    }


@pytest.mark.parametrize(
    ("name", "expected"), [(name, tasks) for (_, tasks), values in TABLE.items() for name in values]
)
def test_another_value_runs_again_what_it_can_change(
    changed: dict[str, set[str]], name: str, expected: frozenset[str]
) -> None:
    assert changed[recipe(name)] == expected


def test_no_other_recipe_runs_again(changed: dict[str, set[str]]) -> None:
    assert not any(changed[name] for name in OTHERS)
