# SPDX-License-Identifier: MIT
"""The chain from the boot loader on: a GRUB with a key inside boots only what is signed by it, so all of
that must be.

The key comes from the program on the boot partition, which only firmware can check: this finds what would
not boot.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterable
from typing import Optional

from .. import keys
from ..errors import PantavisorError
from ..readers import Entry, Findings, Storage, printable, read_small
from ..readers.fat import Fat
from ..readers.grub import environment, public_keys
from . import boot

SIGNATURE = ".sig"
MAX_SIGNATURE_BYTES = 64 * 1024
# What GRUB loads of a revision; other loaders read other files.
_WORDS = "oem.env"
_VARIABLE = "oemargs"
_HINT = "run: grub-editenv oem.env set oemargs=WORDS"
# As is_harmless of grub.cfg has them.
_HARMLESS = re.compile(r"[ 0-9A-Za-z!$%+,./:;<=>@^_~-]*")
_FOREIGN = re.compile(r"(?:^| )(?:(?:init|rdinit|initrd[a-z]*|root|sysctl[^ ]*|[Pp][VvHh]_[^ ]*)=|-- )")
_LOADED = ("pv-kernel.img", "pv-initrd.img", "pv-fdt.dtb")


def check(
    partition: Fat,
    storage: Storage,
    revisions: Iterable[str],
    findings: Findings,
    counts: Counter[str],
    place: str,
) -> None:
    """Verify every boot file of every revision by the keys in each GRUB
    on the boot partition at ``place``.
    """
    for path, file in sorted(partition.files.items()):
        if path.lower() in boot.LOADERS and file.size <= boot.MAX_LOADER_BYTES:
            trusted = _trusted(partition.content(file), findings, f"{place}, {path}")
            _check_words(partition, trusted, findings, place)
            if trusted is not None:
                for revision in sorted(revisions):
                    _check_revision(storage, revision, trusted, findings, counts)


def _check_words(partition: Fat, trusted: Optional[keys.BootKeys], findings: Findings, place: str) -> None:
    """The words of the board's maker for the command line: what GRUB would leave out of them."""
    files = {path.lower(): file for path, file in partition.files.items()}
    words, signature = (files.get(name) for name in (_WORDS, _WORDS + SIGNATURE))
    if words is None:
        return
    where = f"{place}, {_WORDS}"
    if words.size > MAX_SIGNATURE_BYTES:
        findings.add("boot-words", where, f"is longer than {MAX_SIGNATURE_BYTES} bytes")
        return
    content = partition.content(words)
    try:
        if trusted is not None and (signature is None or signature.size > MAX_SIGNATURE_BYTES):
            raise PantavisorError(
                "has no signature, so GRUB does not read it", hint="run: pvr keys sign-boot"
            )
        if trusted is not None and signature is not None:
            trusted.verify(partition.content(signature), [content], what=_WORDS + SIGNATURE)
    except PantavisorError as error:
        findings.add("boot-signature", where, error.message, error.hint)
    _judge_words(content, findings, where)


def _judge_words(content: bytes, findings: Findings, where: str) -> None:
    variables = environment(content)
    if variables is None:
        findings.add(
            "boot-words", where, "is not an environment block of GRUB, which reads nothing of it", _HINT
        )
        return
    words = variables.get(_VARIABLE.encode(), b"").decode("latin-1")
    if not _HARMLESS.fullmatch(words):
        problem = "it has quotes or other characters that it may not have"
        findings.add("boot-words", where, f"GRUB leaves {_VARIABLE} out: {problem}")
    elif found := _FOREIGN.search(f"{words} "):
        findings.add(
            "boot-words",
            where,
            f'GRUB leaves {_VARIABLE} out: the word "{found[0].strip()}" is not the board\'s',
        )
    others = sorted(printable(name.decode("latin-1")) for name in variables if name != _VARIABLE.encode())
    if others:
        findings.add(
            "boot-words", where, f"GRUB reads {_VARIABLE} alone, and leaves out {', '.join(others)[:200]}"
        )


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
