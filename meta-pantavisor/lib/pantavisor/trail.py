# SPDX-License-Identifier: MIT
"""The storage tree that a device boots from: objects, a checkout of hard links
for each revision, boot choice.

The device compares a revision's files with the objects by inode and its inline JSON with the state by
bytes, so files are links and JSON is canonical. ``.pv/`` holds the links that the boot loader reads, by the
rule of bsp/run.json.

Source: docs/formats/storage-tree.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

from . import atomic, beneath, bootenv, cjson, names
from .bootenv import BootEnvironment
from .errors import FormatError, PantavisorError
from .objects import ObjectPool
from .state import State

OBJECTS = "../../objects"  # seen from a revision
FOLDERS = ("boot", "cache", "config", "disks/perm", "disks/rev", "logs", "objects", "trails")
SCRATCH = ".revision."
# Where writers that were killed leave names of ours; objects are the pool's business.
LEFTOVERS = {
    "trails": rf"{re.escape(SCRATCH)}[a-z0-9_]{{8}}",
    "trails/locals": rf"{re.escape(SCRATCH)}[a-z0-9_]{{8}}",
    "boot": r"\.(uboot2?\.txt|grubenv2?|grubtry)\.[a-z0-9_]{8}\.part",
}
FOLDER_MODE = 0o755
SIGNATURE = ".sig"  # of a file that GRUB loads, next to it


def write(
    storage: Path,
    state: State,
    pool: ObjectPool,
    revision: str = "0",
    *,
    replace: bool = False,
    commit: bool = True,
) -> None:
    """Fill the empty or half-filled folder ``storage`` so that a device boots ``revision`` from it.

    Without ``commit`` the device tries it once, and returns to the revision that is committed there
    already, if any. Objects come from ``pool``, each verified; it may be the storage's own ``objects``. The
    revision must not exist, but with ``replace``, which also takes a state that has no bsp yet and so
    nothing to boot.

    Raises PantavisorError.
    """
    parent, _, name = f"trails/{names.check_revision(revision)}".rpartition("/")
    make(storage)
    own = pool_of(storage)
    with beneath.folder(storage, parent, make=FOLDER_MODE) as place:
        if os.path.lexists(place / name) and not replace:
            raise PantavisorError(
                f"{place / name} exists already", hint="name another one: a revision is never rewritten"
            )
        for object_id in sorted(state.object_ids()):
            own.copy_from(pool, object_id)
            own.verify(object_id)
        with atomic.scratch(place, prefix=SCRATCH) as folder:
            beside = folder / "new"
            beside.mkdir()
            beside.chmod(FOLDER_MODE)
            checkout(beside, state, own)
            _metadata(beside, state, depth=revision.count("/"))
            if not replace or "bsp/run.json" in state:
                boot_links(beside, state, own)
            if os.path.lexists(place / name):
                atomic.exchange(beside, place / name)  # the old one goes with the scratch folder
            else:
                os.rename(beside, place / name)
    _boot_choice(storage, revision, commit=commit)


def make(storage: Path) -> None:
    """The folders of a storage tree, where they are missing."""
    _make_root(storage)
    for name in FOLDERS:
        with beneath.folder(storage, name, make=FOLDER_MODE):
            pass


def _make_root(storage: Path) -> None:
    if not storage.is_dir():
        # Before the lock another writer may be faster.
        storage.mkdir(parents=True, exist_ok=True)
        storage.chmod(FOLDER_MODE)


def pool_of(storage: Path) -> ObjectPool:
    """The objects of a storage tree, which may be a card of others: no link leads out of it."""
    return ObjectPool(storage / "objects", above=storage)


@contextmanager
def exclusive(storage: Path) -> Iterator[None]:
    """One writer at a time; what killed ones left goes.
    The folder itself is the lock: no file of ours gets into images.
    """
    _make_root(storage)
    with atomic.exclusive(storage):
        pool_of(storage).clean()
        for folder, pattern in LEFTOVERS.items():
            _clean(storage, folder, pattern)
        yield


def _clean(storage: Path, folder: str, pattern: str) -> None:
    try:
        with beneath.folder(storage, folder) as place:
            for name in os.listdir(place):
                if re.fullmatch(pattern, name):
                    atomic.remove(place / name)
    except FileNotFoundError:
        pass  # not made yet


def checkout(folder: Path, state: State, pool: ObjectPool) -> None:
    """Every path of the state below ``folder``: hard links for objects, canonical text for inline JSON."""
    for path, value in state.inline().items():
        _text(_place(folder, path), cjson.dumps(value))
    for path, object_id in state.objects().items():
        pool.link(object_id, _place(folder, path))


def boot_links(folder: Path, state: State, pool: ObjectPool) -> None:
    """The links below ``.pv/`` that a boot loader reads."""
    for name, object_id in boot_files(state).items():
        pool.link(object_id, _place(folder, f".pv/{name}"))


def boot_files(state: State) -> dict[str, str]:
    """The names below ``.pv/`` and their object ids, by the device's own rule: what bsp/run.json names,
    and next to a file the signature that GRUB verifies it by, where the state has one.

    Raises FormatError.
    """
    run = state.get("bsp/run.json")
    if not isinstance(run, Mapping):
        raise FormatError(
            "the state has no bsp/run.json, so nothing to boot", hint="add the export of a bsp"
        )
    addons = run.get("addons") or []
    if not isinstance(addons, list):
        raise FormatError("addons of bsp/run.json is not a list")
    members: dict[str, tuple[str, Any]] = {
        f"pv-initrd.img.{index}": ("addons", addon) for index, addon in enumerate(addons)
    }
    if run.get("fit"):
        members["pantavisor.fit"] = ("fit", run["fit"])
    elif run.get("rpiab"):
        suffix = ".gz" if str(run["rpiab"]).endswith(".gz") else ""
        members[f"rpiboot.img{suffix}"] = ("rpiab", run["rpiab"])
    else:
        members["pv-kernel.img"] = ("linux", run.get("linux"))
        members["pv-initrd.img"] = ("initrd", run.get("initrd"))
        if run.get("fdt"):
            members["pv-fdt.dtb"] = ("fdt", run["fdt"])
    found = {name: _bsp_object(state, member, file) for name, (member, file) in members.items()}
    objects = state.objects()
    for name, (_, file) in members.items():
        if f"bsp/{file}{SIGNATURE}" in objects:
            found[name + SIGNATURE] = objects[f"bsp/{file}{SIGNATURE}"]
    return found


def _metadata(folder: Path, state: State, *, depth: int) -> None:
    _text(_place(folder, ".pvr/json"), state.dumps())
    _text(_place(folder, ".pvr/config"), cjson.dumps({"ObjectsDir": "../" * depth + OBJECTS}))


def boot_environment(storage: Path) -> Optional[BootEnvironment]:
    """What the boot loader of this storage is given, from the first whole copy;
    None where there is none.
    """
    for path in (*bootenv.GRUB_COPIES, *bootenv.UBOOT_COPIES):
        try:
            with beneath.open_file(storage, path) as stream:
                found = BootEnvironment.parse(stream.read(bootenv.LONGEST))
        except FileNotFoundError:
            continue
        if found is not None:
            return found
    return None


def _boot_choice(storage: Path, revision: str, *, commit: bool) -> None:
    old = boot_environment(storage)
    if old is None or not _exists(storage, old.revision):
        new = BootEnvironment(revision, generation=old.next_generation if old else 1)
    elif commit or old.revision == revision:
        new = old.committing(revision)
    else:
        new = old.trying(revision)
    contents = {
        **dict.fromkeys(bootenv.UBOOT_COPIES, new.uboot()),
        **dict.fromkeys(bootenv.GRUB_COPIES, new.grub()),
    }
    for path, data in {**contents, bootenv.GRUB_NOTES: bootenv.EMPTY_NOTES}.items():
        folder, _, name = path.rpartition("/")
        with beneath.folder(storage, folder) as place:
            atomic.write(place / name, data)
    with beneath.folder(storage, "config") as place:
        _drop_empty(place / "pantahub.config")


def _exists(storage: Path, revision: str) -> bool:
    try:
        with beneath.folder(storage, f"trails/{revision}"):
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False


def _drop_empty(path: Path) -> None:
    """The published runtime never ends reading an empty file,
    and writes its defaults where there is none.
    """
    if not path.is_symlink() and path.is_file() and path.stat().st_size == 0:
        path.unlink()


def _text(target: Path, data: bytes) -> None:
    target.write_bytes(data)
    target.chmod(0o644)


def _place(folder: Path, path: str) -> Path:
    _folder(folder, path.rpartition("/")[0])
    return folder / path


def _folder(root: Path, path: str) -> None:
    # Every folder by hand: mkdir would let the umask of the build into the image.
    for name in filter(None, path.split("/")):
        root = root / name
        if not root.is_dir():
            root.mkdir(exist_ok=True)
            root.chmod(FOLDER_MODE)


def _bsp_object(state: State, member: str, name: Any) -> str:
    object_id = state.objects().get(f"bsp/{name}")
    if object_id is None:
        raise FormatError(f'bsp/run.json names "{name}" as {member}, but the state has no bsp/{name}')
    return object_id
