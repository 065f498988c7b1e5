"""The storage tree that a device boots from: objects, a checkout of hard links for each revision, boot choice.

The device compares a revision's files with the objects by inode and its inline JSON with the state by bytes, so files
are links and JSON is canonical. ``.pv/`` holds the links that the boot loader reads, by the rule of bsp/run.json.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import atomic, cjson, names
from .errors import FormatError
from .objects import ObjectPool
from .state import State

CONFIG = {"ObjectsDir": "../../objects"}
FOLDERS = ("boot", "cache", "config", "disks/perm", "disks/rev", "logs", "objects", "trails")
GRUBENV_BYTES = 1024
GRUBENV_HEAD = "# GRUB Environment Block\n"


def write(storage: Path, state: State, pool: ObjectPool, revision: str) -> None:
    """Fill the empty or half-filled folder ``storage``; ``pool`` must be its ``objects``."""
    names.check_revision(revision)
    for name in FOLDERS:
        (storage / name).mkdir(parents=True, exist_ok=True)
    for object_id in sorted(state.object_ids()):
        pool.verify(object_id)
    trail = storage / "trails" / revision
    trail.parent.mkdir(parents=True, exist_ok=True)
    with atomic.new_directory(trail) as folder:
        checkout(folder, state, pool)
        _metadata(folder, state)
        boot_links(folder, state, pool)
    atomic.write(storage / "boot" / "uboot.txt", uboot_text({"pv_rev": revision}))
    atomic.write(storage / "boot" / "grubenv", grubenv({"pv_rev": revision, "pv_try": "", "pv_trying": ""}))
    atomic.write(storage / "config" / "pantahub.config", b"")


def checkout(folder: Path, state: State, pool: ObjectPool) -> None:
    """Every path of the state below ``folder``: hard links for objects, canonical text for inline JSON."""
    for path, value in state.inline().items():
        target = _parent(folder, path)
        target.write_bytes(cjson.dumps(value))
        target.chmod(0o644)
    for path, object_id in state.objects().items():
        pool.link(object_id, _parent(folder, path))


def boot_links(folder: Path, state: State, pool: ObjectPool) -> None:
    """The links below ``.pv/`` that a boot loader reads."""
    for name, object_id in boot_files(state).items():
        pool.link(object_id, _parent(folder, f".pv/{name}"))


def boot_files(state: State) -> dict[str, str]:
    """The names below ``.pv/`` and their object ids, by the device's own rule."""
    run = state.get("bsp/run.json")
    if not isinstance(run, Mapping):
        raise FormatError("the state has no bsp/run.json, so nothing to boot", hint="add the export of a bsp")
    found = {}
    for index, addon in enumerate(run.get("addons") or ()):
        found[f"pv-initrd.img.{index}"] = _bsp_object(state, "addons", addon)
    if run.get("fit"):
        found["pantavisor.fit"] = _bsp_object(state, "fit", run["fit"])
    elif run.get("rpiab"):
        suffix = ".gz" if str(run["rpiab"]).endswith(".gz") else ""
        found[f"rpiboot.img{suffix}"] = _bsp_object(state, "rpiab", run["rpiab"])
    else:
        found["pv-kernel.img"] = _bsp_object(state, "linux", run.get("linux"))
        found["pv-initrd.img"] = _bsp_object(state, "initrd", run.get("initrd"))
        if run.get("fdt"):
            found["pv-fdt.dtb"] = _bsp_object(state, "fdt", run["fdt"])
    return found


def uboot_text(variables: Mapping[str, str]) -> bytes:
    """``boot/uboot.txt``: NUL-separated pairs."""
    return b"".join(f"{name}={value}".encode() + b"\0" for name, value in variables.items()) + b"\0\0"


def grubenv(variables: Mapping[str, str]) -> bytes:
    """``boot/grubenv``: a block of exactly 1024 bytes, as the boot loader rewrites it in place."""
    text = GRUBENV_HEAD + "".join(f"{name}={value}\n" for name, value in sorted(variables.items()))
    if len(text) > GRUBENV_BYTES:
        raise FormatError(f"the boot environment is longer than {GRUBENV_BYTES} bytes")
    return text.ljust(GRUBENV_BYTES, "#").encode()


def _metadata(folder: Path, state: State) -> None:
    (folder / ".pvr").mkdir()
    (folder / ".pvr" / "json").write_bytes(state.dumps())
    (folder / ".pvr" / "config").write_bytes(cjson.dumps(CONFIG))


def _parent(folder: Path, path: str) -> Path:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):
        raise FormatError(f"{path} is in the way of itself: a file and a folder have the same name")
    return target


def _bsp_object(state: State, member: str, name: Any) -> str:
    object_id = state.objects().get(f"bsp/{name}")
    if object_id is None:
        raise FormatError(f'bsp/run.json names "{name}" as {member}, but the state has no bsp/{name}')
    return object_id
