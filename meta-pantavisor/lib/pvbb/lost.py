# SPDX-License-Identifier: MIT
"""Lines that lose what they or others set, as BitBake has it: ``+=`` in a configuration before the ``=`` of
a recipe, ``+=`` that takes a default away, and what fills the root file system that a device does not have.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import bb.data

import pvbb.assignments
import pvbb.recipe

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pvbb.assignments import Assignment

_CONTAINERS = ("PVROOT_CONTAINERS", "PVROOT_CONTAINERS_CORE")
_ROOTFS = re.compile(
    r"ROOTFS_(?:(?:PRE|POST)(?:PROCESS|INSTALL|UNINSTALL)_COMMAND|BOOTSTRAP_INSTALL)"
    r"|(?:EXTRA_)?IMAGE_FEATURES|(?:IMAGE|PACKAGE|CORE_IMAGE_EXTRA)_INSTALL|EXTRA_USERS_PARAMS"
    r"|IMAGE_(?:LINGUAS|DEVICE_TABLES?|(?:PRE|POST)PROCESS_COMMAND|CLASSES)|BAD_RECOMMENDATIONS"
)
_SIZES = ("IMAGE_ROOTFS_SIZE", "IMAGE_ROOTFS_EXTRA_SPACE", "IMAGE_OVERHEAD_FACTOR")
_WKS = ("WKS_FILE", "WKS_FILES")
# Not one that does nothing, as many recipes have it.
_TASK = re.compile(
    r"^(?:fakeroot +|python +)*(do_(?:configure|compile|install))(?::\w+)* *\("
    r"(?! *\)\s*\{\s*(?:(?::|true|pass)\s*;?\s*)?\})",
    re.MULTILINE,
)


def check(d: Any) -> None:
    """Skip the recipe for the first such line, with the one to write."""
    _need_rootfs(d)
    _need_tasks(d)
    recipe, configuration = pvbb.assignments.of_recipe(d), pvbb.assignments.of_configuration(d)
    _need_additions(d, configuration, recipe)
    for line in _plain(configuration):
        losing = line.name in _CONTAINERS and line.operator == "="
        if losing and d.getVarFlag(line.name, "doc", False) and _is_set(d, line.name, recipe):
            hint = f'write {line.name}:pn-{d.getVar("PN")} = "{line.value}" there, or "?=" for a default'
            pvbb.recipe.skip(d, f"{line.name} of {line.path} is lost, since the recipe sets it", hint)


def _need_additions(d: Any, configuration: list[Assignment], recipe: list[Assignment]) -> None:
    """Skip the recipe where an addition in a configuration is lost, or a default by an addition."""
    for line in _plain([*configuration, *recipe]):
        if line.operator not in pvbb.assignments.ADDING or not d.getVarFlag(line.name, "doc", False):
            continue
        if line in configuration and _is_set(d, line.name, recipe) and not _has(d, line.name, line.value):
            what = f"{line.name} {line.operator} of {line.path} is lost, since the recipe sets it"
        elif default := _lost_default(d, line, configuration, recipe):
            what = f'{line.name} {line.operator} of {line.path} takes the default "{default}" away'
        else:
            continue
        pvbb.recipe.skip(d, what, f"write {_appended(line)}")


def _plain(lines: Iterable[Assignment]) -> list[Assignment]:
    """Of our variables, and for every machine and recipe."""
    return [line for line in lines if not line.overrides and pvbb.assignments.OURS.fullmatch(line.name)]


def _is_set(d: Any, name: str, lines: Iterable[Assignment]) -> bool:
    """Also by an override that applies, such as the recipe's own."""
    active = {*(d.getVar("OVERRIDES") or "").split(":")}
    return any(
        line.name == name and line.operator in ("=", ":=") and active.issuperset(line.overrides)
        for line in lines
    )


def _lost_default(
    d: Any, line: Assignment, configuration: list[Assignment], recipe: list[Assignment]
) -> str:
    """The default that is not taken once something was added, or nothing."""
    before = [*configuration, *recipe] if line in recipe else configuration
    if any(other.name == line.name and other.operator in ("=", ":=", "?=") for other in _plain(before)):
        return ""
    later = [*pvbb.assignments.of_classes(d), *(() if line in recipe else recipe)]
    defaults = [
        other.value
        for other in _plain(later)
        if other.name == line.name and other.operator in ("?=", pvbb.assignments.WEAK)
    ]
    return next((default for default in defaults if default and not _has(d, line.name, default)), "")


def _has(d: Any, name: str, value: str) -> bool:
    """Whether all words are there nevertheless: a class that is inherited before has set its ``?=``, and
    ``:=`` may take up what it replaces.
    """
    words = value.split()  # none where the first line has none
    return bool(words) and {*words} <= {*(d.getVar(name, False) or "").split()}


def _appended(line: Assignment) -> str:
    """The line that is applied after all others."""
    blank = " " if line.operator in ("+=", "=+") else ""
    if line.operator in ("+=", ".="):
        return f'{line.name}:append = "{blank}{line.value}"'
    return f'{line.name}:prepend = "{line.value}{blank}"'


def _need_rootfs(d: Any) -> None:
    """Skip a device, or a container from an image, for what fills a root file system that it lacks."""
    is_device = bb.data.inherits_class("pvroot-parts", d)
    if not is_device and not bb.data.inherits_class("pvrexport", d):
        return
    own = f"pn-{d.getVar('PN')}"
    lines = [line for line in pvbb.assignments.of_configuration(d) if own in line.overrides]
    for line in [*pvbb.assignments.of_recipe(d), *lines]:
        if _ROOTFS.fullmatch(line.name) and not _is_empty(d, line.name):
            hint = "write it into an image recipe that inherits image-pvrexport"
            what = f"{line.name} is set, but {'a device' if is_device else 'this container'} has no root "
            end = "file system of its own" if is_device else "file system of packages"
            pvbb.recipe.skip(d, what + end, f"{hint}, and name that in PVROOT_CONTAINERS")
        if is_device and line.name in _SIZES:
            pvbb.recipe.skip(d, f"{line.name} is set, which nothing here reads", "use PVROOT_SIZE")
        if is_device and line.name in _WKS:
            way = "" if bb.data.inherits_class("pvroot-wic", d) else "inherit pvroot-wic, and "
            pvbb.recipe.skip(d, f"{line.name} is set, which nothing here reads", f"{way}use PVROOT_WKS")


def _is_empty(d: Any, name: str) -> bool:
    """What fills nothing, as IMAGE_LINGUAS = "" of so many images, is lost nowhere."""
    value = d.getVar(name, False)
    return value is not None and not str(value).strip()


def _need_tasks(d: Any) -> None:
    """Skip a recipe that writes a task which the classes leave out."""
    is_device = bb.data.inherits_class("pvroot-parts", d)
    if not is_device and not bb.data.inherits_class("pvr-artifact", d):
        return
    before = "do_pvroot" if is_device else "do_pvrexport"
    for file in dict.fromkeys(pvbb.assignments.files_of_recipe(d)):
        for task in _TASK.findall(_text(file)):
            if d.getVarFlag(task, "noexec", False):
                hint = "name the files in SRC_URI and PVR_CONFIG_OVERLAY, or write a task of your own: "
                pvbb.recipe.skip(d, f"{task} of {file} is written, which does not run here",
                                 f"{hint}addtask NAME after do_unpack before {before}")  # fmt: skip


def _text(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:  # it was only looked for
        return ""
