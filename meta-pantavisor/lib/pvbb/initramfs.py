# SPDX-License-Identifier: MIT
"""What an image recipe adds to the root file system that becomes the initramfs: the list of modules that
PID 1 loads, each after those that it needs.

``modules.dep`` (depmod(8)) has one line ``path: path...`` a module; the paths after the colon are all that
it needs, those needed first standing last. ``modules.builtin`` lists what the kernel has inside.
"""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

import bb

if TYPE_CHECKING:
    from typing import Any

MODULE_LIST = "etc/pantavisor/modules"


def list_modules(d: Any) -> None:
    """Write the list; stop where the kernel lacks one of PANTAVISOR_INITRAMFS_MODULES."""
    root = d.getVar("IMAGE_ROOTFS")
    wanted = _names(d, "PANTAVISOR_INITRAMFS_MODULES")
    optional = _names(d, "PANTAVISOR_INITRAMFS_MODULES_OPTIONAL")
    release, paths, builtin = _kernel(d, root)
    missing = [name for name in wanted if name not in paths and name not in builtin]
    if missing:
        bb.fatal(
            f"{d.getVar('PN')}: the kernel has no {', '.join(missing)}, neither as a module nor built in\n"
            "  hint: enable it in the kernel, or remove it from PANTAVISOR_INITRAMFS_MODULES"
        )
    order: dict[str, None] = {}
    for name in [*wanted, *optional]:
        for path in reversed(paths.get(name, [])):
            order.setdefault(path)
    packed = [path for path in order if not path.endswith(".ko")]
    if packed:
        bb.fatal(
            f"{d.getVar('PN')}: {packed[0]} is compressed, and PID 1 loads plain modules only\n"
            "  hint: build the kernel with CONFIG_MODULE_COMPRESS off"
        )
    target = os.path.join(root, MODULE_LIST)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w", encoding="utf-8") as stream:
        stream.writelines(f"/lib/modules/{release}/{path}\n" for path in order)


def _names(d: Any, variable: str) -> list[str]:
    return [word.replace("-", "_") for word in (d.getVar(variable) or "").split()]


def _kernel(d: Any, root: str) -> tuple[str, dict[str, list[str]], set[str]]:
    """Its release, the path of each module with those that it needs after it, and what is built in."""
    folders = sorted(glob.glob(os.path.join(glob.escape(root), "lib/modules/*")))
    if len(folders) > 1:
        bb.fatal(f"{d.getVar('PN')}: there are modules of {len(folders)} kernels; one is expected")
    if not folders:
        return "", {}, set()
    paths = {}
    for line in _lines(folders[0], "modules.dep"):
        path, _, needed = line.partition(":")
        paths[_module(path)] = [path, *needed.split()]
    return os.path.basename(folders[0]), paths, set(map(_module, _lines(folders[0], "modules.builtin")))


def _lines(folder: str, name: str) -> list[str]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as stream:
            return stream.read().splitlines()
    except FileNotFoundError:
        return []


def _module(path: str) -> str:
    """``kernel/fs/ext4/ext4.ko`` is ext4; the kernel shows names with underscores."""
    return os.path.basename(path).partition(".")[0].replace("-", "_")
