"""What bitbake.conf computes for every recipe."""

from __future__ import annotations

import os
from typing import Any

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
    """FILESPATH: FILESEXTRAPATHS, then beside the recipe, each with the folders of the overrides, strongest first."""
    beside = d.getVar("FILE_DIRNAME")
    usual = [os.path.join(beside, d.expand(name)) for name in ("${BP}", "${BPN}", "files")]
    extra = (d.getVar("FILESEXTRAPATHS") or "").split(":")
    folders = [folder for folder in extra if folder and folder != "__default"] + usual
    overrides = [name for name in reversed((d.getVar("OVERRIDES") or "").split(":")) if name]
    return ":".join(os.path.join(folder, name) for folder in folders for name in [*overrides, ""])
