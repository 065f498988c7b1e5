# SPDX-License-Identifier: MIT
"""The bodies of the tasks of images: the exports become one signed state, its storage and a disk image."""

from __future__ import annotations

import glob
import os
import re
from typing import TYPE_CHECKING

import bb
from pantavisor import manifests

import pvbb.bills
import pvbb.boards
import pvbb.recipe
import pvbb.signing
import pvbb.tasks
import pvbb.tool

if TYPE_CHECKING:
    from typing import Any, Optional

MIB = 1024 * 1024
EXTLINUX = "extlinux/extlinux.conf"
# wic takes every other character for the end of an entry.
_WIC_ENTRY = re.compile(r"[\w;\-./*]+")


def build_root(d: Any) -> None:
    """do_pvroot of an image that the library lays out."""
    output = os.path.join(d.getVar("B"), f"{d.getVar('PVROOT_NAME')}.img")
    _build(d, {"boot": [{"files": _boot_files(d)}]}, d.getVar("PVROOT_SBOM").split(), output)


def build_storage(d: Any) -> None:
    """do_pvroot of an image that wic lays out: the storage partition alone."""
    _build(d, None, [], d.getVar("PVROOT_STORAGE"))


def check_image(d: Any) -> None:
    """do_pvroot_check: what wic made passes the verifier; its bills of materials are written."""
    folder = d.getVar("IMGDEPLOYDIR")
    pvbb.tool.run(
        d,
        "check-image",
        {
            "image": os.path.join(folder, f"{d.getVar('IMAGE_LINK_NAME')}.wic"),
            "storage": d.getVar("PVROOT_STORAGE"),
            "trust": d.getVar("PVS_CA"),
            "needs_set": bool(d.getVar("PVROOT_RELEASE").strip()),
            "signers": d.getVar("PVS_SIGNERS") or None,
            "sbom": d.getVar("PVROOT_SBOM").split(),
            "built": _documents(d),
            "epoch": int(d.getVar("SOURCE_DATE_EPOCH") or 0),
            "output": os.path.join(folder, d.getVar("PVROOT_NAME")),
        },
    )


def list_boot_files(d: Any) -> None:
    """Before do_image_wic: SHA256SUMS of what wic is about to put into the boot partition."""
    path = d.getVar("PVROOT_SUMS")
    if not _WIC_ENTRY.fullmatch(path):
        bb.fatal(
            f"{d.getVar('PN')}: wic cannot read the name of {path}\n"
            "  hint: use a TMPDIR of letters, digits and the characters - _ . alone"
        )
    files = _wic_files(d, leave_out=path)
    if EXTLINUX in files and d.getVar("PANTAVISOR_BOOTLOADER") == pvbb.boards.U_BOOT:
        bb.fatal(
            f"{d.getVar('PN')}: IMAGE_BOOT_FILES has {EXTLINUX}, "
            "which U-Boot starts before the boot script\n"
            "  hint: remove it from IMAGE_BOOT_FILES"
        )
    lines = [
        f"{bb.utils.sha256_file(files[name])}  {name}\n"
        for name in sorted(files)
        if name != pvbb.boards.NOTES
    ]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("".join(lines))


def _build(d: Any, board: Optional[dict[str, Any]], sbom: list[str], output: str) -> None:
    size, memory = pvbb.tasks.number(d, "PVROOT_SIZE", "of MiB"), d.getVar("PVROOT_MEMORY").strip()
    pvbb.tool.run(
        d,
        "build-root",
        {
            "exports": list(_exports(d).values()),
            "board": board,
            "size": None if size is None else size * MIB,
            "memory": manifests.parse_memory(memory) if memory else None,
            "trust": d.getVar("PVS_CA"),
            "release": pvbb.tasks.number(d, "PVROOT_RELEASE"),
            "signing": pvbb.signing.STATE.job(d),
            "sign_parts": not pvbb.tasks.flag(d, "PVS_SIGN"),
            "signers": d.getVar("PVS_SIGNERS") or None,
            "sbom": sbom,
            "built": _documents(d) if sbom else {},
            "epoch": int(d.getVar("SOURCE_DATE_EPOCH") or 0),
            "work": d.getVar("B"),
            "output": output,
        },
    )


def _exports(d: Any) -> dict[str, str]:
    """By their recipes."""
    folder, bsp = d.getVar("PVROOT_DEPLOY_DIR"), d.getVar("PVROOT_BSP")
    files = {bsp: f"{bsp}-{d.getVar('MACHINE')}", **{name: name for name in pvbb.recipe.containers(d)}}
    return {name: os.path.join(folder, f"{file}.pvrexport.tgz") for name, file in files.items()}


def _documents(d: Any) -> dict[str, list[str]]:
    return pvbb.bills.of_exports(d, d.getVar("PVROOT_DEPLOY_DIR"), _exports(d))


def _boot_files(d: Any) -> dict[str, str]:
    files = {}
    for entry in (d.getVar("IMAGE_BOOT_FILES") or "").split():
        source, _, target = entry.partition(";")
        files[target or source] = os.path.join(d.getVar("DEPLOY_DIR_IMAGE"), source)
    return files


def _wic_files(d: Any, *, leave_out: str) -> dict[str, str]:
    """Paths by their names in the boot partition, as wic reads IMAGE_BOOT_FILES: a name for what has a
    wildcard is that of a directory.
    """
    folder = d.getVar("DEPLOY_DIR_IMAGE")
    files = {}
    for entry in _WIC_ENTRY.findall(d.getVar("IMAGE_BOOT_FILES") or ""):
        source, _, target = entry.partition(";")
        if source == leave_out:
            continue
        pattern = os.path.join(folder, source)
        found = sorted(glob.glob(pattern)) if "*" in source else [pattern]
        for path in found:
            inside = os.path.join(target, os.path.basename(path)) if "*" in source else target or source
            if not os.path.isfile(path):
                bb.fatal(
                    f"{d.getVar('PN')}: IMAGE_BOOT_FILES names {source}, and {path} is not a file\n"
                    "  hint: add the task that deploys it to PVROOT_BOOT_DEPENDS"
                )
            files[os.path.normpath(inside)] = path
    return files
