# SPDX-License-Identifier: MIT
"""What bitbake.conf computes for every recipe."""

from __future__ import annotations

import os
import re
from typing import Any

import bb

SUFFIXES = ("-native", "-cross", "-initial")
PREFIXES = ("nativesdk-", "lib32-", "lib64-")


def base_name(d: Any) -> str:
    """BPN: PN without what names a variant of the recipe."""
    name = str(d.getVar("PN"))
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            name = name[: -len(suffix)]
    for prefix in PREFIXES:
        if name.startswith(prefix):
            name = name[len(prefix) :]
    return name


def files_path(d: Any) -> str:
    """FILESPATH: FILESEXTRAPATHS, then next to the recipe, each with the folders of the overrides,
    strongest first.
    """
    beside = d.getVar("FILE_DIRNAME")
    usual = [os.path.join(beside, d.expand(name)) for name in ("${BP}", "${BPN}", "files")]
    extra = (d.getVar("FILESEXTRAPATHS") or "").split(":")
    folders = [folder for folder in extra if folder and folder != "__default"] + usual
    overrides = [name for name in reversed((d.getVar("OVERRIDES") or "").split(":")) if name]
    return ":".join(os.path.join(folder, name) for folder in folders for name in [*overrides, ""])


def admit(d: Any) -> None:
    """A recipe names its licence; one that is not for this machine is left out."""
    if not d.getVar("FILE", False).endswith(".bb"):
        return
    if not d.getVar("LICENSE"):
        bb.fatal(f"{d.getVar('FILE')}: this recipe has no LICENSE")
    host = d.getVar("COMPATIBLE_HOST")
    if host and not re.match(host, d.getVar("HOST_SYS")):
        raise bb.parse.SkipRecipe(f"incompatible with host {d.getVar('HOST_SYS')} (COMPATIBLE_HOST)")
    machines = d.getVar("COMPATIBLE_MACHINE")
    if machines and not any(re.match(machines, name) for name in d.getVar("MACHINEOVERRIDES").split(":")):
        raise bb.parse.SkipRecipe(f"incompatible with machine {d.getVar('MACHINE')} (COMPATIBLE_MACHINE)")
