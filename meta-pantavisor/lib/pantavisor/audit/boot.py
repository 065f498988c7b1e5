"""The boot partition: is there something to boot, for a machine that there is, and no key."""

from __future__ import annotations

import struct

from .content import has_private_key
from .fat import Fat
from .report import Findings

# The file that firmware of each machine looks for, and the machine in the head of the program (UEFI 2.10, 3.5.1.1).
LOADERS = {
    "efi/boot/bootx64.efi": 0x8664,
    "efi/boot/bootia32.efi": 0x014C,
    "efi/boot/bootaa64.efi": 0xAA64,
    "efi/boot/bootarm.efi": 0x01C2,
    "efi/boot/bootriscv64.efi": 0x5064,
}
OTHER_LOADERS = frozenset(["boot.scr", "config.txt", "autoboot.txt", "u-boot.img", "extlinux/extlinux.conf"])
MAX_LOADER_BYTES = 256 * 1024 * 1024


def check(boot: Fat, findings: Findings, where: str) -> None:
    """See that a loader is there and whole, and look for keys in every file."""
    found = False
    for path, file in sorted(boot.files.items()):
        at = f"{where}, {path}"
        if file.size > MAX_LOADER_BYTES:
            findings.add("boot-file", at, f"is {file.size} bytes long, which is too much")
            continue
        content = boot.content(file)
        if len(content) != file.size:
            findings.add("boot-file", at, "is cut off")
        if has_private_key(content):
            findings.add("secret", at, "holds a private key", "private keys must never reach a device")
        if path.lower() in LOADERS:
            found = True
            _check_program(content, LOADERS[path.lower()], findings, at)
    if not found and not OTHER_LOADERS & {path.lower() for path in boot.files}:
        findings.add("boot-loader", where, "there is no boot loader", "firmware looks for EFI/BOOT/BOOTX64.EFI and such")


def _check_program(content: bytes, machine: int, findings: Findings, where: str) -> None:
    start = struct.unpack_from("<I", content, 60)[0] if len(content) >= 64 and content[:2] == b"MZ" else 0
    if not start or content[start : start + 4] != b"PE\0\0" or len(content) < start + 6:
        findings.add("boot-loader", where, "is no EFI program")
    elif struct.unpack_from("<H", content, start + 4)[0] != machine:
        findings.add("boot-loader", where, "is an EFI program for another machine")


