# SPDX-License-Identifier: MIT
"""A boot partition: are its files as its list of digests has them, programs for a machine that there is,
and no keys. What firmware starts of them is in ``firmware``.

The list is SHA256SUMS in the root folder, in the form that ``sha256sum -c`` reads. It is not signed: it
finds damage, and what may write the partition may write it, too.
"""

from __future__ import annotations

import hashlib
import re
import struct

from ..readers import Findings
from ..readers.fat import Fat
from .content import KEY_HINT, has_private_key

# The file that firmware of each machine looks for,
# and the machine in the head of the program (UEFI 2.10, 3.5.1.1).
LOADERS = {
    "efi/boot/bootx64.efi": 0x8664,
    "efi/boot/bootia32.efi": 0x014C,
    "efi/boot/bootaa64.efi": 0xAA64,
    "efi/boot/bootarm.efi": 0x01C2,
    "efi/boot/bootriscv64.efi": 0x5064,
}
MAX_LOADER_BYTES = 256 * 1024 * 1024
SUMS = "SHA256SUMS"
NOTES = "pv-notes.env"  # U-Boot's own, which it writes at each boot
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")


def check(boot: Fat, findings: Findings, where: str, *, strict: bool) -> None:
    """See that every file is whole and looks like what its name is for, and look for keys. ``strict``: the
    list must be there.
    """
    digests: dict[str, str] = {}
    for path, file in sorted(boot.files.items()):
        at = f"{where}, {path}"
        if file.size > MAX_LOADER_BYTES:
            findings.add("boot-file", at, f"is {file.size} bytes long, which is too large")
            continue
        content = boot.content(file)
        digests[path] = hashlib.sha256(content).hexdigest()
        if len(content) != file.size:
            findings.add("boot-file", at, "is cut off")
        if has_private_key(content):
            findings.add("secret", at, "holds a private key", KEY_HINT)
        if path.lower() in LOADERS:
            _check_program(content, LOADERS[path.lower()], findings, at)
    if SUMS in digests:
        _check_sums(boot.content(boot.files[SUMS]), digests, findings, where)
    elif strict:
        findings.add(
            "boot-sums", f"{where}, {SUMS}", "is missing, so the boot files cannot be checked for damage"
        )


def _check_sums(text: bytes, digests: dict[str, str], findings: Findings, where: str) -> None:
    lines = [_LINE.fullmatch(line) for line in text.decode("utf-8", "replace").splitlines(keepends=True)]
    if not all(lines):
        findings.add("boot-sums", f"{where}, {SUMS}", "is not a list of digests")
    listed = {match.group(2): match.group(1) for match in lines if match}
    for path in sorted((set(listed) | set(digests)) - {SUMS, NOTES}):
        if path not in listed:
            findings.add("boot-sums", f"{where}, {path}", f"is not in {SUMS}")
        elif path not in digests:
            findings.add("boot-sums", f"{where}, {path}", f"is missing, and {SUMS} has it")
        elif digests[path] != listed[path]:
            findings.add("boot-sums", f"{where}, {path}", f"has other content than {SUMS} lists")


def _check_program(content: bytes, machine: int, findings: Findings, where: str) -> None:
    start = struct.unpack_from("<I", content, 60)[0] if len(content) >= 64 and content[:2] == b"MZ" else 0
    if not start or content[start : start + 4] != b"PE\0\0" or len(content) < start + 6:
        findings.add("boot-loader", where, "is not an EFI program")
    elif struct.unpack_from("<H", content, start + 4)[0] != machine:
        findings.add("boot-loader", where, "is an EFI program for another machine")
