# SPDX-License-Identifier: MIT
"""What do_deploy leaves in DEPLOYDIR goes to DEPLOY_DIR_IMAGE; a manifest remembers whose file is whose.

A manifest is the sorted list of a recipe's files, one a line, relative to DEPLOY_DIR_IMAGE.
"""

from __future__ import annotations

import os
from typing import Any

import bb
import bb.utils

from . import tree

LOCK = ".lock"


def publish(d: Any) -> None:
    """DEPLOY_DIR_IMAGE has the files of DEPLOYDIR, and none that this recipe deployed before and no longer
    does.
    """
    source, target = d.getVar("DEPLOYDIR"), d.getVar("DEPLOY_DIR_IMAGE")
    names = tree.files(source) if os.path.isdir(source) else []
    os.makedirs(d.getVar("DEPLOY_MANIFESTS"), exist_ok=True)
    lock = bb.utils.lockfile(os.path.join(d.getVar("DEPLOY_MANIFESTS"), LOCK))
    try:
        _refuse_foreign(d, set(names))
        old = set(_read(_manifest(d)))
        # Written first, with the old names: a task that is stopped in between forgets no file.
        _write(_manifest(d), sorted(old | set(names)))
        for name in names:
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            tree.put(os.path.join(source, name), os.path.join(target, name))
        _remove(target, old - set(names))
        _write(_manifest(d), names)
    finally:
        bb.utils.unlockfile(lock)


def withdraw(d: Any) -> None:
    """Nothing that this recipe deployed is left."""
    _remove(d.getVar("DEPLOY_DIR_IMAGE"), set(_read(_manifest(d))))
    tree.remove(_manifest(d))


def _refuse_foreign(d: Any, names: set[str]) -> None:
    folder, mine = d.getVar("DEPLOY_MANIFESTS"), d.getVar("PN")
    for other in sorted(os.listdir(folder)):
        taken = (
            names.intersection(_read(os.path.join(folder, other))) if other not in (mine, LOCK) else set()
        )
        if taken:
            bb.fatal(
                f"{mine}: {sorted(taken)[0]} is already deployed by {other}\n"
                f"  hint: bitbake -c clean {other}"
            )


def _manifest(d: Any) -> str:
    return str(os.path.join(d.getVar("DEPLOY_MANIFESTS"), d.getVar("PN")))


def _read(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read().splitlines()
    except FileNotFoundError:
        return []


def _write(path: str, names: list[str]) -> None:
    with open(path + ".new", "w", encoding="utf-8") as stream:
        stream.writelines(name + "\n" for name in names)
    os.replace(path + ".new", path)


def _remove(root: str, names: set[str]) -> None:
    for name in names:
        path = os.path.join(root, name)
        tree.remove(path)
        while (path := os.path.dirname(path)) != root and os.path.isdir(path) and not os.listdir(path):
            os.rmdir(path)
