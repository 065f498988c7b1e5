# SPDX-License-Identifier: MIT
"""What a machine starts of a disk image, by the kind of its firmware; and what else is in an image than the
file systems that are checked: boot loaders at fixed places, partitions of the firmware, root file systems
of others.

A kind of firmware is a row of FIRMWARE: its name, and the files of which it needs one. The file systems of
the ext family are looked at as well: U-Boot reads them, and may find its script on the storage.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from ..readers import Damaged, Findings, Storage, read_small
from ..readers.fat import BootFile, Fat
from ..readers.filesystems import STORAGE_LABEL, Contents, Span
from ..readers.target import CHUNK
from . import boot
from .content import KEY_HINT, KeyFinder

MAX_SCRIPT_BYTES = 1024 * 1024
_SCRIPT_MAGIC, _SCRIPT_TYPE, _SCRIPT_HEAD = 0x27051956, 6, 64  # the legacy image header of U-Boot
_FIT_MAGIC = 0xD00DFEED
# What a Raspberry Pi starts where config.txt names no other.
_PI_KERNELS = frozenset(["kernel.img", "kernel7.img", "kernel7l.img", "kernel8.img", "kernel_2712.img"])
_PI_KERNEL = re.compile(r"^[ \t]*(?:kernel|initramfs|boot_ramdisk)[ \t]*=[ \t]*(\S+)", re.MULTILINE)

Files = Mapping[str, Callable[[], bytes]]  # content by path in lower case


@dataclass(frozen=True)
class Firmware:
    """``check`` gets the path of what it starts, and all files next to it; it may raise Damaged."""

    name: str
    starts: frozenset[str]
    check: Callable[[str, Files, Findings, str], None]


def check(contents: Contents, findings: Findings, notes: Findings) -> None:
    """See that some firmware finds something to start, and note what no signature covers."""
    known = set()
    for place, files in _places(contents):
        for firmware in FIRMWARE:
            for path in sorted(firmware.starts & set(files)):
                known.add(firmware.name)
                where = f"{place}, {path}"
                try:
                    firmware.check(path, files, findings, where)
                except Damaged as error:
                    findings.add("boot-loader", where, error.message)
    if not known:
        names = ", ".join(f"{firmware.name} {min(firmware.starts)}" for firmware in FIRMWARE)
        findings.add(
            "boot-loader", "disk image", "there is no boot loader", f"add one, for example: {names}"
        )
    label = contents.storage.label if contents.storage else STORAGE_LABEL
    if label != STORAGE_LABEL:
        (findings if "UEFI" in known else notes).add(
            "partition",
            "storage partition",
            f'has the label "{label}", and GRUB looks for "{STORAGE_LABEL}"',
        )
    for span in contents.spans:
        _check_span(span, findings, notes)


def _places(contents: Contents) -> Iterator[tuple[str, Files]]:
    for number, fat in enumerate(contents.boots, 1):
        yield f"boot partition {number}" if len(contents.boots) > 1 else "boot partition", _fat_files(fat)
    for other in contents.others:
        yield f'ext4 "{other.label}"', _tree_files(other, "")
    if contents.storage is not None:
        yield "storage partition", _tree_files(contents.storage, "boot/")


def _fat_files(fat: Fat) -> Files:
    return {path.lower(): partial(_fat_content, fat, file) for path, file in fat.files.items()}


def _fat_content(fat: Fat, file: BootFile) -> bytes:
    return fat.content(file) if file.size <= MAX_SCRIPT_BYTES else b""


def _tree_files(tree: Storage, below: str) -> Files:
    return {
        path[len(below) :].lower(): partial(read_small, tree, entry, limit=MAX_SCRIPT_BYTES)
        for path, entry in tree.entries.items()
        if entry.kind == "file" and path.startswith(below) and path.count("/") < 3
    }


def _check_nothing(path: str, files: Files, findings: Findings, where: str) -> None:
    """Of an EFI program the head is checked with the other files; of texts nothing is known."""


def _check_script(path: str, files: Files, findings: Findings, where: str) -> None:
    """A script of U-Boot: a legacy image with two checksums, or a FIT."""
    content = files[path]()
    if content[:4] == struct.pack(">I", _FIT_MAGIC):
        if len(content) < 8 or struct.unpack_from(">I", content, 4)[0] > len(content):
            findings.add("boot-loader", where, "is a FIT that is cut off")
        return
    if len(content) < _SCRIPT_HEAD or struct.unpack_from(">I", content)[0] != _SCRIPT_MAGIC:
        findings.add("boot-loader", where, "is not a script of U-Boot", "run: mkimage -T script")
        return
    head_crc, _, size, _, _, crc = struct.unpack_from(">6I", content, 4)
    body = content[_SCRIPT_HEAD : _SCRIPT_HEAD + size]
    if zlib.crc32(content[:4] + bytes(4) + content[8:_SCRIPT_HEAD]) != head_crc or zlib.crc32(body) != crc:
        findings.add("boot-loader", where, "is a script of U-Boot whose checksum is wrong")
    elif content[30] != _SCRIPT_TYPE:
        findings.add("boot-loader", where, "is an image of U-Boot, and not a script")


def _check_pi(path: str, files: Files, findings: Findings, where: str) -> None:
    """config.txt of a Raspberry Pi: one of the kernels that it names, or of the usual ones, exists."""
    folder = path[: -len("config.txt")]
    named = [name.lower() for name in _PI_KERNEL.findall(files[path]().decode("utf-8", "replace"))]
    if not any(folder + name in files for name in named or _PI_KERNELS):
        what = " or ".join(named) if named else "kernel8.img or such"
        findings.add("boot-loader", where, f"leads to {what}, which is not on the partition")


FIRMWARE = (
    Firmware("UEFI", frozenset(boot.LOADERS), _check_nothing),
    Firmware(
        "U-Boot",
        frozenset(["boot.scr", "boot.scr.uimg", "boot/boot.scr", "boot/boot.scr.uimg"]),
        _check_script,
    ),
    Firmware(
        "U-Boot", frozenset(["extlinux/extlinux.conf", "boot/extlinux/extlinux.conf"]), _check_nothing
    ),
    Firmware("Raspberry Pi", frozenset(["config.txt"]), _check_pi),
    Firmware("Raspberry Pi", frozenset(["autoboot.txt"]), _check_nothing),
)


def _check_span(span: Span, findings: Findings, notes: Findings) -> None:
    """Note what is there, by its digest: no signature and no list covers it."""
    keys, digest, is_empty, at = KeyFinder(), hashlib.sha256(), True, 0
    while chunk := span.reader.pread(CHUNK, at):
        is_empty = is_empty and chunk.count(0) == len(chunk)
        keys.feed(chunk)
        digest.update(chunk)
        at += len(chunk)
    if keys.found:
        findings.add("secret", span.where, "holds a private key", KEY_HINT)
    if not is_empty:
        notes.add(
            "unchecked", span.where, f"{at} bytes are not checked; their sha256 is {digest.hexdigest()}"
        )
