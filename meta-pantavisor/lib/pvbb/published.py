# SPDX-License-Identifier: MIT
"""Names of the published layer that this one has otherwise, or not: each skips the recipe with the line to
write, where BitBake would ignore it in silence.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import bb

if TYPE_CHECKING:
    from typing import Any

# The name here for a name there, with the same values.
RENAMED = {
    "DOCKER_PLATFORM": "PVR_DOCKER_PLATFORM",
    "PVCONT_NAME": "PVR_CONTAINER",
    "PVR_APP_ADD_GROUP": "PVR_GROUP",
    "PVR_APP_ADD_ROLES": "PVR_ROLES",
    "PVROOT_CONTAINERS_CORE": "PVROOT_CONTAINERS",
    "PV_INITIAL_DTB": "PVR_BSP_FDT",
}
# What to do in place of it.
REPLACED = {
    "PVR_APP_ADD_EXTRA_ARGS": (
        "write each --volume as an entry of PVR_VOLUMES, "
        "and --config=Cmd=... into the file that PVR_CONFIG_JSON names"
    ),
    "PVR_COMPRESSION": 'write PVR_PROFILE = "balanced", or another of its values',
    "PVR_FORMAT_OPTS": 'write PVR_PROFILE = "balanced", or another of its values',
    "PVS_URI": "name the directory of the keys in PVS_KEY_DIR",
    "PVS_URI_SHA256": "name the directory of the keys in PVS_KEY_DIR",
    "PVS_VENDOR_NAME": "name the directory of the keys in PVS_KEY_DIR",
    "PV_BOOT_OEMARGS": "write them into PANTAVISOR_CMDLINE",
    "PVR_SRC_URI": "remove it: a container is made from a Docker reference only, by PVR_DOCKER_REF",
    "PVR_SRC_DIR": "remove it: a container is made from a Docker reference only, by PVR_DOCKER_REF",
    "PVR_SIG_ADD_ARGS": "remove it: a part is signed whole",
    "PV_CONFIG_OVERLAY_DIR": "remove it: this layer has no overlays of configuration",
    "PV_DBUS_PROVIDER": "remove it, and write the provider's name into the template arguments",
    "PVRIMAGE_AUTO_MDEV": "remove it: this layer makes no mdev.json",
    "PVROOT_IMAGE_BSP": "name a recipe that inherits bsp-pvrexport in PVROOT_BSP",
    "PVROOT_IMAGE": "remove it: this layer makes no root container of an image",
}
# "": its members belong into the file of PVR_ARGS_JSON.
SIDE_FILES = {
    "args": "PVR_ARGS_JSON",
    "config": "PVR_CONFIG_JSON",
    "network": "",
    "services": "",
    "mdev": "",
}


def check(d: Any) -> None:
    """Skip the recipe where it sets one of these names, or has a side file that only the published layer
    finds by its name.
    """
    for name in sorted({*RENAMED, *REPLACED}):
        value = d.getVar(name)
        if value and not d.getVarFlag(name, "doc", False):
            hint = REPLACED.get(name) or f'write {RENAMED[name]} = "{" ".join(value.split())}"'
            _skip(d, f"{name} is a variable of the published layer, which this one does not read", hint)
    for name in _side_files(d):
        variable = SIDE_FILES[name.split(".")[-2]]
        other = "write its members into the file of PVR_ARGS_JSON"
        hint = f'write {variable} = "{name}"' if variable else other
        _skip(d, f"{name} is a side file of the published layer, which no variable names here", hint)


def _side_files(d: Any) -> list[str]:
    """Those in SRC_URI that no variable names."""
    named = {d.getVar(variable) for variable in ("PVR_ARGS_JSON", "PVR_CONFIG_JSON")}
    owners = {d.getVar("PN"), d.getVar("BPN")}
    usual = {f"{owner}.{kind}.json" for owner in owners for kind in SIDE_FILES}
    words = [word for word in (d.getVar("SRC_URI") or "").split() if word.startswith("file://")]
    found = [os.path.basename(word.partition(";")[0]) for word in words]
    return [name for name in found if name in usual and name not in named]


def _skip(d: Any, what: str, hint: str) -> None:
    raise bb.parse.SkipRecipe(f"{d.getVar('PN')}: {what} (hint: {hint})")
