# SPDX-License-Identifier: MIT
"""A finished image signed by another key, without a build."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Optional

from .. import atomic, audit, disk, keys, manifests, trail, unit
from ..errors import DigestError, FormatError, SignatureError
from ..objects import ObjectPool
from ..pvs import Signers
from ..readers import IMAGE, Chunks, Findings, Opened, cpio, opened, parse_states
from ..state import State
from .first_revision import REVISION
from .flash import map_of

# What a fresh storage holds; all of it is made again.
_FRESH = ("boot", "cache", "config", "disks", "logs", "lost+found", "objects", "trails")
_TRUST_STORE = "etc/pantavisor/pvs/trust/ca-certificates.crt"  # in the initramfs
_CONFIG = "etc/pantavisor.config"  # there, too
# As the runtime reads it: the last one counts that has a value.
_MODE = re.compile(rb"^[ \t\r]*(?:PV_SECUREBOOT_MODE|secureboot\.mode)=(\w+)[ \t\r]*$", re.MULTILINE)
_EMPTY = ("cache", "config", "disks", "logs", "lost+found")


def sign_again(
    image: Path,
    output: Path,
    signer: keys.Signer,
    *,
    trust: bytes,
    signers: Optional[Signers] = None,
    log: Callable[[str], None] = lambda text: None,
    warn: Callable[[str], None] = lambda text: None,
) -> None:
    """Write ``image`` to ``output`` with all signatures made again by ``signer``, of the same selections
    and release; its block map next to it. All around the storage stays byte for byte.

    The image is a fresh one, of revision 0 alone. What is made passes a strict verification by ``trust``,
    and by the roots in its own initramfs, where that can be read. What boot loader and firmware check stays
    as it was, and ``warn`` gets that. Raises PantavisorError.
    """
    block_map = disk.read_map(map_of(image))
    disk.check_map(image, block_map)
    atomic.check_target(output)
    with atomic.scratch(output.absolute().parent) as folder:
        storage = folder / "storage"
        trail.make(storage)
        pool = trail.pool_of(storage)
        with opened(image, Findings()) as found:
            state, span = _fresh(image, found)
            for object_id, chunks in found.objects.items():
                _keep(pool, object_id, chunks, folder)
        state = keys.resign(state, signer)
        roots = keys.TrustStore.parse(trust, what="trusted roots")
        keys.verify_state(state, roots, strict=True, signers=signers)
        _check_device(image, state, pool)
        manifests.check_state(state)
        trail.write(storage, state, pool, REVISION)
        made = folder / output.name
        disk.replace_storage(image, made, span, storage)
        audit.verify(made, trust=trust, strict=True, signers=signers).named(output).raise_for_findings()
        text = disk.remap(made, block_map, span)
        atomic.sync_file(made)
        beside = output.with_name(f"{output.name}.bmap")
        beside.unlink(missing_ok=True)
        made.replace(output)
        atomic.write(beside, text)
    _warn_of_kept(state, output, warn)
    log(f"{output} is written: state {state.digest()[:12]}; it passed pvr verify --strict")


def _check_device(image: Path, state: State, pool: ObjectPool) -> None:
    """Hold the signatures against what the device itself has, which no other signature changes.

    A FIT, an initramfs that cannot be read here, and devices that run what is wrong, are passed over.
    Raises SignatureError.
    """
    run = state.get("bsp/run.json")
    name = run.get("initrd") if isinstance(run, Mapping) else None
    object_id = state.objects().get(f"bsp/{name}")
    files = cpio.files_of(pool.path(object_id), (_TRUST_STORE, _CONFIG)) if object_id else {}
    store = files.get(_TRUST_STORE)
    if store is None or _MODE.findall(files.get(_CONFIG, b""))[-1:] in ([b"audit"], [b"disabled"]):
        return
    try:
        keys.verify_state(state, keys.TrustStore.parse(store, what="the initramfs's roots"), strict=True)
    except SignatureError as error:
        raise SignatureError(
            f"no device would run it by what the initramfs of {image} trusts: {error.message}",
            hint="sign by a certificate of its root, or build with both roots in PVS_CA first",
        ) from error


def _warn_of_kept(state: State, output: Path, warn: Callable[[str], None]) -> None:
    """Of a bsp whose files a boot loader verifies: by the keys of the build, which sign nothing here."""
    if kept := [path for path in state if path.startswith("bsp/") and path.endswith(trail.SIGNATURE)]:
        warn(
            f"{output} has the boot key and the EFI key of its build: {kept[0]} and what firmware "
            "checks stay as they were; where a release has others, build GRUB and the bsp with these first "
            "(PVS_BOOT_KEY, PANTAVISOR_EFI_KEY, or as docs/keys.md has them for tokens)"
        )


def _fresh(image: Path, found: Opened) -> tuple[State, disk.DiskSpan]:
    """The state of an image that no device booted and no station personalised, and where its storage is."""
    start = found.contents.storage_start
    if found.kind != IMAGE or found.tree is None or start is None:
        raise FormatError(f"{image} is not a disk image of ours", hint="name one, as pvr image makes it")
    states = parse_states(found.texts, Findings())
    if set(states) != {REVISION}:
        raise FormatError(
            f"{image} does not hold revision {REVISION} alone", hint="use an image as it was built"
        )
    if unit.PATH in found.tree.entries:
        raise FormatError(f"{image} has the record of a unit", hint="sign first, then personalise")
    for path, entry in found.tree.entries.items():
        top = path.partition("/")[0]
        if top not in _FRESH or (top in _EMPTY and entry.kind != "folder"):
            raise FormatError(f"{image} was used: it holds {path}", hint="use an image as it was built")
    size = next(part.size for part in found.contents.partitions if part.start == start)
    return states[REVISION], disk.DiskSpan(start, size)


def _keep(pool: ObjectPool, object_id: str, chunks: Chunks, folder: Path) -> None:
    path = folder / "object"
    with open(path, "wb") as stream:
        for chunk in chunks():
            stream.write(chunk)
    if pool.put_file(path, move=True) != object_id:
        raise DigestError(
            f"object {object_id} of the image is damaged", hint="use an image that pvr verify takes"
        )
