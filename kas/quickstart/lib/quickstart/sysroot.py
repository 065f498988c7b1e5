# SPDX-License-Identifier: MIT
"""do_populate_sysroot and do_prepare_recipe_sysroot: what a recipe installs reaches those that have it in
DEPENDS.
"""

from __future__ import annotations

import os
from typing import Any

import bb

from . import tree


def populate(d: Any) -> None:
    """What D holds below SYSROOT_DIRS becomes this recipe's component."""
    withdraw(d)
    component = os.path.join(d.getVar("COMPONENTS_DIR"), d.getVar("PACKAGE_ARCH"), d.getVar("PN"))
    os.makedirs(component)
    for folder in d.getVar("SYSROOT_DIRS").split():
        source = os.path.normpath(d.getVar("D") + folder)
        if os.path.isdir(source):
            tree.share(source, os.path.normpath(component + folder))


def withdraw(d: Any) -> None:
    """No architecture that this machine looks into has a component of this recipe."""
    for architecture in _architectures(d):
        tree.remove(os.path.join(d.getVar("COMPONENTS_DIR"), architecture, d.getVar("PN")))


def prepare(d: Any) -> None:
    """RECIPE_SYSROOT and RECIPE_SYSROOT_NATIVE hold the components of all that DEPENDS leads to, and
    nothing else.
    """
    roots = {False: d.getVar("RECIPE_SYSROOT"), True: d.getVar("RECIPE_SYSROOT_NATIVE")}
    for root in roots.values():
        tree.remove(root)
        os.makedirs(root)
    for name in _needed(d):
        component = _component(d, name)
        bb.note(f"{name} from {component}")
        tree.share(component, roots[name.endswith("-native")])


def _needed(d: Any) -> list[str]:
    tasks = d.getVar("BB_TASKDEPDATA", False).values()
    mine = d.getVar("PN")
    return sorted({task.pn for task in tasks if task.taskname == "do_populate_sysroot" and task.pn != mine})


def _component(d: Any, name: str) -> str:
    folders = [
        os.path.join(d.getVar("COMPONENTS_DIR"), architecture, name) for architecture in _architectures(d)
    ]
    found = [folder for folder in folders if os.path.isdir(folder)]
    if not found:
        bb.fatal(f"{d.getVar('PN')}: {name} has left nothing in {d.getVar('COMPONENTS_DIR')}")
    return found[0]


def _architectures(d: Any) -> list[str]:
    names = [
        d.getVar(variable) for variable in ("PACKAGE_ARCH", "MACHINE_ARCH", "TUNE_PKGARCH", "BUILD_ARCH")
    ]
    return list(dict.fromkeys([*names, "all"]))
