# SPDX-License-Identifier: MIT
"""Whether a kernel's final .config has what the features of a device need.

Each feature is a fragment in files/kernel, pantavisor-<feature>.cfg: ``CONFIG_NAME=y`` a line. Below a
comment with the words "may be modules", up to the next empty line, a module is as good.
"""

from __future__ import annotations

import glob
import os
import re
from typing import TYPE_CHECKING

import bb
from pantavisor import names

import pvbb.recipe

if TYPE_CHECKING:
    from typing import Any

MODULES = "may be modules"
PREFIX = "pantavisor-"
ADD = "add to the kernel's configuration, or see what they depend on"
# Those of SRC_URI come before ours.
MERGED = (
    "remove what turns them off again, such as a fragment of KERNEL_FEATURES, or see what they depend on"
)
_OPTION = re.compile(r"^(CONFIG_\w+)=(\S+)", re.MULTILINE)


def fragments(d: Any) -> list[str]:
    """The files of PANTAVISOR_KERNEL_FEATURES. Skips the kernel for a word that none is called by."""
    folder = os.path.join(d.getVar("PANTAVISOR_LAYERDIR"), "files/kernel")
    known = sorted(map(_feature, glob.glob(f"{glob.escape(folder)}/{PREFIX}*.cfg")))
    words = (d.getVar("PANTAVISOR_KERNEL_FEATURES") or "").split()
    for word in words:
        if word not in known:
            error = names.unknown(word, known, what="word in PANTAVISOR_KERNEL_FEATURES:")
            pvbb.recipe.skip(d, error.message, error.hint or "correct it")
    return [os.path.join(folder, f"{PREFIX}{word}.cfg") for word in words]


def sources(d: Any) -> str:
    """The fragments for SRC_URI of kernels that merge them (kernel-yocto); nothing for others. The place of
    the layer is not in it, since it would be in every hash of the kernel.
    """
    return " ".join(f"file://{os.path.basename(path)}" for path in fragments(d)) if merges(d) else ""


def checksums(d: Any) -> str:
    """The fragments for a task's file-checksums."""
    return " ".join(f"{path}:True" for path in fragments(d))


def _feature(path: str) -> str:
    return os.path.basename(path).removeprefix(PREFIX).removesuffix(".cfg")


def merges(d: Any) -> bool:
    return bool(bb.data.inherits_class("kernel-yocto", d))


def check(d: Any) -> None:
    """do_pantavisor_kernel: end the build where an option is missing, with the lines that bring it."""
    path = os.path.join(d.getVar("B"), ".config")
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            config = dict(_OPTION.findall(stream.read()))
    except OSError as error:
        bb.fatal(f"{d.getVar('PN')}: {path} cannot be read: {error.strerror}")
    missing = []
    for fragment in fragments(d):
        for name in _missing(fragment, config):
            missing.append(f"{name}=y  # {_feature(fragment)}; it is {config.get(name, 'not set')}")
    if missing:
        options = "1 option" if len(missing) == 1 else f"{len(missing)} options"
        bb.fatal(
            f"{d.getVar('PN')}: the kernel's configuration lacks {options} that "
            f"PANTAVISOR_KERNEL_FEATURES needs\n  hint: {MERGED if merges(d) else ADD}:\n"
            + "\n".join(missing)
        )


def _missing(fragment: str, config: dict[str, str]) -> list[str]:
    found, good = [], ("y",)
    with open(fragment, encoding="utf-8") as stream:
        for line in stream.read().splitlines():
            if not line:
                good = ("y",)
            elif line.startswith("#"):
                good = ("y", "m") if MODULES in line else good
            else:
                name = line.partition("=")[0]
                if config.get(name) not in good:
                    found.append(name)
    return found
