# SPDX-License-Identifier: MIT
"""What a recipe names by an absolute path outside of the build: BitBake watches what is in SRC_URI or made
by a task, and would go on with what it made of an older one.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import bb
import bb.data

import pvbb.sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

NAMES = "PVR_OUTSIDE"
_BSP = (
    "PVR_BSP_KERNEL", "PVR_BSP_INITRAMFS", "PVR_BSP_FIT", "PVR_BSP_FDT", "PVR_BSP_MODULES",
    "PVR_BSP_FIRMWARE", "PVR_DEVICE_JSON",
)  # fmt: skip
_MADE = ("TMPDIR", "WORKDIR", "DEPLOY_DIR", "DEPLOY_DIR_IMAGE", "DL_DIR")
# Of file-checksums; and what BitBake would expand, and even run.
_SPECIAL = (":", "*", "\n", "${")


def container(d: Any) -> None:
    """For what a container is made of."""
    _watch(d, "do_pvrexport", "PVR_ROOTFS", "PVR_SRC_DIR", *pvbb.sources.READERS)


def bsp(d: Any) -> None:
    """For what a board has from elsewhere."""
    _watch(d, "do_efi_sign", "PVR_BSP_KERNEL")
    _watch(d, "do_pvrexport", *_BSP)


def image(d: Any) -> None:
    """For files of the boot partition."""
    is_wic = bb.data.inherits_class("pvroot-wic", d)
    _watch(d, "do_image_wic" if is_wic else "do_pvroot", "IMAGE_BOOT_FILES")


def _watch(d: Any, task: str, *variables: str) -> None:
    """Have ``task`` run again where a file that ``variables`` name, or one in a directory, is another."""
    plain, others = [], []
    for path in _paths(d, variables):
        for name in _entries(d, path) if os.path.isdir(path) else [path]:
            if _is_plain(name):
                plain.append(f" {name}:True")
            else:
                others.append(f"{name[len(path) :]} {_description(d, name)}\n")
    if plain:
        # At once: each addition copies what is there.
        d.appendVarFlag(task, "file-checksums", "".join(plain))
    if others:
        d.appendVar(NAMES, hashlib.sha256(os.fsencode("".join(others))).hexdigest())
        d.appendVarFlag(task, "vardeps", f" {NAMES}")


def _paths(d: Any, variables: tuple[str, ...]) -> Iterator[str]:
    made = [os.path.join(d.getVar(name), "") for name in _MADE]
    # TMPDIR of other configurations.
    made.append(os.path.join(d.getVar("TOPDIR"), "tmp"))
    for name in variables:
        for word in (d.getVar(name) or "").split():
            path = os.path.normpath(word.partition(";")[0])
            if os.path.isabs(path) and not path.startswith(tuple(made)):
                bb.parse.mark_dependency(d, path)  # made, removed or led elsewhere: parsed again
                if os.path.exists(path):
                    yield os.path.realpath(path)


def _entries(d: Any, folder: str) -> Iterator[str]:
    """All below, with ``/./`` after the directory: BitBake takes up the names that follow it."""
    for parent, folders, files in os.walk(os.path.join(folder, ".")):
        bb.parse.mark_dependency(d, parent)  # another entry: the recipe is parsed again
        folders.sort()
        yield from (os.path.join(parent, name) for name in sorted([*files, *folders]))


def _is_plain(name: str) -> bool:
    """What BitBake can read, and may: of a link it would read what that leads to on this host."""
    is_file = os.path.isfile(name) and not os.path.islink(name)
    return is_file and _is_text(name) and not any(word in name for word in _SPECIAL)


def _is_text(name: str) -> bool:
    """BitBake knows no other names than those of UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _description(d: Any, name: str) -> str:
    """Where a link leads; of another file what shows that it was written."""
    if os.path.islink(name):
        return os.readlink(name)
    if not os.path.isfile(name):
        return ""
    bb.parse.mark_dependency(d, name)  # written: parsed again
    return f"{os.path.getsize(name)} {os.stat(name).st_mtime_ns}"
