# SPDX-License-Identifier: MIT
"""The chain from the boot loader on: a GRUB with a key inside boots only what is signed by it, so all of that must be.

The key comes from the program on the boot partition, which only firmware can check: this finds what would not boot.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable
from typing import Optional

from .. import keys
from ..errors import PantavisorError
from ..readers import Entry, Findings, Storage, read_small
from ..readers.fat import Fat
from ..readers.grub import public_keys
from . import boot

SIGNATURE = ".sig"
MAX_SIGNATURE_BYTES = 64 * 1024
# What GRUB loads of a revision; other loaders read other files.
_WORDS = "oem.env"
_LOADED = ("pv-kernel.img", "pv-initrd.img", "pv-fdt.dtb")


def check(
    partition: Fat, storage: Storage, revisions: Iterable[str], findings: Findings, counts: Counter[str], place: str
) -> None:
    """Verify every boot file of every revision by the keys in each GRUB on the boot partition at ``place``."""
    for path, file in sorted(partition.files.items()):
        if path.lower() in boot.LOADERS and file.size <= boot.MAX_LOADER_BYTES:
            trusted = _trusted(partition.content(file), findings, f"{place}, {path}")
            if trusted is not None:
                _check_words(partition, trusted, findings, place)
                for revision in sorted(revisions):
                    _check_revision(storage, revision, trusted, findings, counts)


def _check_words(partition: Fat, trusted: keys.BootKeys, findings: Findings, place: str) -> None:
    """The words of the board's maker for the command line: GRUB leaves them out where they are not signed."""
    words, signature = (partition.files.get(name) for name in (_WORDS, _WORDS + SIGNATURE))
    if words is None:
        return
    try:
        if signature is None or signature.size > MAX_SIGNATURE_BYTES or words.size > MAX_SIGNATURE_BYTES:
            raise PantavisorError("has no signature, so GRUB does not read it", hint="run: pvr keys sign-boot")
        made = partition.content(signature)
        trusted.verify(made, [partition.content(words)], what=_WORDS + SIGNATURE)
    except PantavisorError as error:
        findings.add("boot-signature", f"{place}, {_WORDS}", error.message, error.hint)


def _trusted(program: bytes, findings: Findings, where: str) -> Optional[keys.BootKeys]:
    try:
        packets = public_keys(program)
        return keys.BootKeys.parse(packets, what="it") if packets else None
    except (struct.error, PantavisorError) as error:
        findings.add("boot-key", where, f"its keys cannot be read: {error}")
        return None


def _check_revision(
    storage: Storage, revision: str, trusted: keys.BootKeys, findings: Findings, counts: Counter[str]
) -> None:
    folder = f"trails/{revision}/.pv/"
    for path, entry in sorted(storage.entries.items()):
        name = path[len(folder) :]
        if not path.startswith(folder) or not name.startswith(_LOADED) or name.endswith(SIGNATURE):
            continue
        try:
            trusted.verify(_signature(storage, path), storage.chunks(entry), what=f"{name}{SIGNATURE}")
            counts["boot files"] += 1
        except PantavisorError as error:
            findings.add("boot-signature", path, error.message, error.hint)


def _signature(storage: Storage, path: str) -> bytes:
    entry: Optional[Entry] = storage.entries.get(path + SIGNATURE)
    if entry is None or entry.kind != "file":
        raise PantavisorError(
            "has no signature, so the GRUB of this image does not boot it",
            hint="sign the bsp with the key that is in GRUB (PVS_BOOT_KEY)",
        )
    return read_small(storage, entry, limit=MAX_SIGNATURE_BYTES)
