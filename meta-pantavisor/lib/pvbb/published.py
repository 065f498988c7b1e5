# SPDX-License-Identifier: MIT
"""The public names of the published layer, and what each is here: it means what it means there, or the
recipe is skipped with the line to write. BitBake would ignore such a name in silence.

docs/published-layer.md shows these tables.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import bb

import pvbb.appwords
import pvbb.recipe
import pvbb.sources

if TYPE_CHECKING:
    from typing import Any

# Another name here, with the same values.
RENAMED = {
    "DOCKER_PLATFORM": "PVR_DOCKER_PLATFORM",
    "PVCONT_NAME": "PVR_CONTAINER",
    "PVR_APP_ADD_GROUP": "PVR_GROUP",
    "PVR_APP_ADD_ROLES": "PVR_ROLES",
    "PV_CONFIG_OVERLAY_DIR": "PVR_CONFIG_OVERLAY",
    "PV_INITIAL_DTB": "PVR_BSP_FDT",
    "PANTA_MULTICONFIG": "PVROOT_MULTICONFIG",
    "PANTA_DEPLOY_DIR_IMAGE": "PVROOT_DEPLOY_DIR",
}
# The same name and meaning.
KEPT = {
    "DOCKER_ARCH": "class dockerarch: the architecture's name in file names of prebuilt containers",
    "PVR_DOCKER_REF": "the image",
    "PVR_SRC_URI": "an export, as a file with a checksum",
    "PVR_SRC_DIR": "a directory with the container's files, or a repository",
    "PVR_APP_ADD_EXTRA_ARGS": "--volume, --config, --arg, --group, --restart-policy, --status-goal",
    "PV_DBUS_PROVIDER": "what takes the place of ::PV_DBUS_PROVIDER:: in JSON files of a recipe",
    "PVROOT_CONTAINERS_CORE": "containers of the first revision, as PVROOT_CONTAINERS",
    "IMAGE_BOOT_FILES": "files of the boot partition",
}
# Why there is nothing of it here.
_NO_GO = "the layer has no compiler of its own"
_NO_DOCKER = "no docker images of the runtime are made here"
_NO_DOCS = "no documentation is collected here"
_VERIFY = "pvr verify --strict judges what was built"
_NO_CRYPT = "this runtime opens no encrypted disks"
# What to do in place of it.
_PROFILE = 'write PVR_PROFILE = "balanced" in its place, or another of its values'
_KEYS = 'write PVS_KEY_DIR = "/path/of/the/keys" in its place'
_FDT = "list the board's device trees in PVR_BSP_FDT in its place"
_FIT = "name the FIT of DEPLOY_DIR_IMAGE in PVR_BSP_FIT in its place"
_DEVICES = 'write devices into PVR_ARGS_JSON: {"PVR_LXC_CGROUP_DEVICES_WHITE": ["c 10:200 rwm"]}'
_DOCKER = f"remove it: {_NO_DOCKER}"
_AUDIT = f"remove it: {_VERIFY}"
_DOCS = f"remove it: {_NO_DOCS}"
REPLACED = {
    "PVR_COMPRESSION": _PROFILE,
    "PVR_FORMAT_OPTS": _PROFILE,
    "PVS_URI": _KEYS,
    "PVS_URI_SHA256": _KEYS,
    "PVS_VENDOR_NAME": _KEYS,
    "PVR_SIG_ADD_ARGS": "remove it: a part is signed whole",
    "PVRIMAGE_AUTO_MDEV": f'write PVRIMAGE_AUTO_MDEV = "0", and {_DEVICES}',
    "PVROOT_IMAGE_BSP": 'write PVROOT_BSP = "pantavisor-bsp" in its place, or your own of bsp-pvrexport',
    "PVROOT_IMAGE": "name the image's recipe, which inherits container-pvrexport, in PVROOT_CONTAINERS",
    "PVROOTFS_POSTPROCESS_COMMAND": "remove it: storage is written from the state alone",
    "PV_BOOT_OEMARGS": "write them into PANTAVISOR_CMDLINE for GRUB, PANTAVISOR_UBOOT_ARGS for U-Boot",
    "PV_UBOOT_AUTOFDT": _FDT,
    "PV_UBOOT_FLATFDT": _FDT,
    "PV_FIT_ITS_SUFFIX": _FIT,
    "PV_FIT_NAME_SUFFIX": _FIT,
    "PV_MACHINE_UBOOT_CONFIGS": "add the fragments to the board's U-Boot recipe",
    "PVBSP_UBOOT_LOGO_BMP": "add the logo to IMAGE_BOOT_FILES",
    "PV_FLASH_README": _DOCS,
    "PV_MANIFEST_PREFIX": _AUDIT,
    "PV_MANIFEST_REFERENCE_NAME": _AUDIT,
    "PV_MANIFEST_EXCLUDES": _AUDIT,
    "DOCKER_IMAGE_NAME": _DOCKER,
    "DOCKER_IMAGE_TAG": _DOCKER,
    "DOCKER_IMAGE_EXTRA_TAGS": _DOCKER,
    "PV_DOCKER_IMAGE_ENTRYPOINT_ARGS": _DOCKER,
    "PV_DOCKER_IMAGE_ENVS": _DOCKER,
    "DOCS_SRC_DIR": _DOCS,
    "DOCS_FILES": _DOCS,
    "DOCS_COMPONENT_NAME": _DOCS,
    "PANTACOR_LAYER_DOCS": _DOCS,
    "PANTACOR_LAYER_DOCS_NAME": _DOCS,
}
# Tasks and functions that nothing runs here.
_OWN_TASK = "write a task of your own: addtask NAME after do_unpack before do_pvrexport"
TASKS = {
    "do_fetch_pvr": _OWN_TASK,
    "do_unpack_pvr": _OWN_TASK,
    "do_rootfs_pvroot": "remove it: storage is written from the state alone",
    "do_umoci_config": _DOCKER,
    "do_create_component_docs": _DOCS,
    "do_create_pantacor_docs": _DOCS,
}
# Values of these that mean what is done here anyway.
HARMLESS = {
    "PVRIMAGE_AUTO_MDEV": ("0",),
    "PVROOT_IMAGE": ("no", "0"),
    "PVR_SIG_ADD_ARGS": ("--part ${PN}", "--part ${PVR_CONTAINER}"),
    "DOCKER_PLATFORM": ("None",),
}
# "": there is no such file here.
SIDE_FILES = {
    "args": "PVR_ARGS_JSON",
    "config": "PVR_CONFIG_JSON",
    "network": "PVR_NETWORK_JSON",
    "services": "PVR_SERVICES_JSON",
    "mdev": "",
}
UNPREFIXED = ("network.json", "services.json", "mdev.json")
# "": a class of that name is here; the others skip a recipe that inherits them, for this reason.
CLASSES = {
    "pvrexport": "",
    "container-pvrexport": "",
    "image-pvrexport": "",
    "pvroot-image": "",
    "dockerarch": "",
    "pvbase": "features are variables of the recipes",
    "pvr-ca": "the keys in PVS_KEY_DIR sign, and no recipe sees them",
    "pantavisor-docker": _NO_DOCKER,
    "oci2docker": _NO_DOCKER,
    "pv-manifest-audit": _VERIFY,
    "pantacor-component-docs": _NO_DOCS,
    "pantavisor-docs": _NO_DOCS,
    "pvgo": _NO_GO,
    "pvgo_mod": _NO_GO,
    "image_types_vfat": "openembedded-core has this image type",
}
# By the class, what to do where removing it is not all.
INHERIT = {
    "pvr-ca": "remove it from the line inherit; the recipe of a bsp inherits bsp-pvrexport in its place",
    "pvgo": "inherit openembedded-core's go in its place",
    "pvgo_mod": "inherit openembedded-core's go-mod in its place",
}
# Words of PANTAVISOR_FEATURES. "": it is so without a word, or there is nothing of it to switch.
FEATURES = {
    "dm-verity": 'write PVR_VERITY = "1" into the recipes of containers',
    "pvcontrol": "",
    "runc": "",
    "xconnect": "",
    "container-mdev": _DEVICES,
    "lxc-next": "",
    "rngdaemon": "add rng-tools to a container, or enable the kernel's CONFIG_HW_RANDOM",
    "debug": "raise PANTAVISOR_LOG_LEVEL",
    "tailscale": "name a container with it in PVROOT_CONTAINERS",
    "autogrow": "set PVROOT_SIZE: the storage does not grow on the device",
    "dm-crypt": _NO_CRYPT,
    "caam-nxp": _NO_CRYPT,
    "dcp": _NO_CRYPT,
    "squash-lz4": 'write PVR_PROFILE = "lz4"',
    "squash-zstd": 'write PVR_PROFILE = "zstd"',
    "rpi-tryboot": 'write RPI_USE_U_BOOT = "1": the firmware counts no failed boots',
}


def check(d: Any) -> None:
    """Take over what has a counterpart here; skip the recipe, with the line to write, for all else."""
    _need_no_class(d)
    for name in sorted({*RENAMED, *REPLACED}):
        value = " ".join((d.getVar(name) or "").split())
        if not value or d.getVarFlag(name, "doc", False) or value in map(d.expand, HARMLESS.get(name, ())):
            continue
        if name in REPLACED:
            pvbb.recipe.skip(d, f"{name} is a variable of the published layer, and not of this one",
                             REPLACED[name])  # fmt: skip
        _rename(d, name, value)
    for task, hint in TASKS.items():
        if d.getVar(task) and not d.getVarFlag(task, "task", False):
            pvbb.recipe.skip(d, f"{task} is a task of the published layer, and does not run here", hint)
    _check_features(d)
    _take_side_files(d)
    pvbb.appwords.take(d)
    _need_name(d)


def absent(d: Any) -> None:
    """For a recipe that inherits a class of the published layer that is not here."""
    _need_no_class(d)


def _need_no_class(d: Any) -> None:
    for name, reason in CLASSES.items():
        if reason and bb.data.inherits_class(name, d):
            hint = INHERIT.get(name, "remove it from the line inherit, and what is written for it")
            pvbb.recipe.skip(d, f'"{name}" is a class of the published layer: {reason}', hint)


def _rename(d: Any, old: str, value: str) -> None:
    new = RENAMED[old]
    other = d.getVar(new, noweakdefault=True)
    # BitBake 2.8 gives an empty weak default all the same.
    if other and other.split() != value.split():
        what = f'{old} is "{value}", but {new}, which is the same, is "{other}"'
        pvbb.recipe.skip(d, what, f"remove {old}")
    d.setVar(new, value.replace(",", " ") if new == "PVR_ROLES" else value)


def _check_features(d: Any) -> None:
    for word in (d.getVar("PANTAVISOR_FEATURES") or "").split():
        rest = FEATURES.get(word)
        if rest != "":
            what = f'PANTAVISOR_FEATURES, a variable of the published layer, has "{word}"'
            pvbb.recipe.skip(d, what, f"remove the word; {rest}" if rest else "remove it")


def _take_side_files(d: Any) -> None:
    """Files in SRC_URI that the published layer finds by their names, where no variable names one."""
    if not bb.data.inherits_class("pvr-container", d):
        return
    named = {_place(d, d.getVar(variable) or "") for variable in SIDE_FILES.values() if variable}
    owners = {d.getVar("PN"), d.getVar("BPN")}
    usual = {*UNPREFIXED, *(f"{owner}.{kind}.json" for owner in owners for kind in SIDE_FILES)}
    for path in map(pvbb.sources.unpacked, pvbb.sources.entries(d)):
        name = os.path.basename(path)
        if name not in usual or named & {_place(d, path), _place(d, name)}:
            continue
        variable = SIDE_FILES[name.split(".")[-2]]
        if not variable:
            pvbb.recipe.skip(d, f"{name} is a side file of the published layer, and not of this one",
                             f"remove it, and {_DEVICES}")  # fmt: skip
        other = d.getVar(variable)
        if other and other != path:
            pvbb.recipe.skip(d, f"{other} is {variable}, and {path} of SRC_URI would be so by its name",
                             "remove one of them")  # fmt: skip
        d.setVar(variable, path)


def _place(d: Any, path: str) -> str:
    """As a task finds it, so that a file has one name only."""
    return os.path.normpath(os.path.join(d.getVar("UNPACKDIR") or d.getVar("WORKDIR") or "", path))


def _need_name(d: Any) -> None:
    """There pvrexport's containers are called without "pv-", and what they keep is kept under that name."""
    if not bb.data.inherits_class("pvrexport", d):
        return
    name = d.getVar("BPN") or ""
    there = name.replace("pv-", "")
    if there != name and d.getVar("PVR_CONTAINER", noweakdefault=True) is None:
        pvbb.recipe.skip(d, f"the published layer would call this container {there}, this one {name}",
                         f'write PVR_CONTAINER = "{there}" or "{name}"')  # fmt: skip
