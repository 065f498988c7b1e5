# SPDX-License-Identifier: MIT
"""What a GRUB program for EFI carries, the keys by which it verifies whatever it loads; and its environment
blocks.

Its modules, memory disk and keys are one section of the program, "mods": a head, then objects with a type
and a size.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Optional

BLOCK_HEAD = b"# GRUB Environment Block\n"
_MAGIC = 0x676D696D
_PUBLIC_KEY = 4
_WIDE = frozenset([0x8664, 0xAA64, 0x5064])  # machines of 64 bits, where addresses have 8 bytes
_MAX_SECTIONS = 96
_COMMENT = re.compile(rb"#(?:\\.|[^\\\n])*\n?", re.DOTALL)
# A name may have line ends in it; a value that no line ends is not one.
_VARIABLE = re.compile(rb"([^=]*)=((?:\\.|[^\\\n])*)\n", re.DOTALL)


def public_keys(program: bytes) -> Optional[bytes]:
    """The packets of all embedded keys; None where it has none, or is not GRUB's. Raises struct.error for a
    damaged one.
    """
    machine, mods = _mods(program)
    width = 8 if machine in _WIDE else 4
    form = "<IIQQ" if width == 8 else "<III"
    if len(mods) < struct.calcsize(form) or struct.unpack_from("<I", mods)[0] != _MAGIC:
        return None
    at, end = struct.unpack_from(form, mods)[-2:]
    keys = []
    while at < min(end, len(mods)):
        kind, size = struct.unpack_from("<II", mods, at)
        if size < 8:
            raise struct.error("an object without a size")
        if kind == _PUBLIC_KEY:
            keys.append(mods[at + 8 : at + size])
        at += -(-size // width) * width
    return b"".join(keys) or None


def environment(block: bytes) -> Optional[Mapping[bytes, bytes]]:
    """The variables of an environment block, as load_env takes them: the last of a name counts, and a
    backslash comes before a character that is meant as it is. None where GRUB reads none.
    """
    if not block.startswith(BLOCK_HEAD):
        return None
    found, at = {}, len(BLOCK_HEAD)
    while at < len(block):
        match = _COMMENT.match(block, at)
        if match is None:
            match = _VARIABLE.match(block, at)
            if match is None:
                break
            found[match[1]] = re.sub(rb"\\(.)", rb"\1", match[2], flags=re.DOTALL)
        at = match.end()
    return found


def _mods(program: bytes) -> tuple[int, bytes]:
    """The machine of an EFI program, and its section "mods"."""
    if program[:2] != b"MZ":
        return 0, b""
    (start,) = struct.unpack_from("<I", program, 60)
    machine, sections = struct.unpack_from("<HH", program, start + 4)
    (optional,) = struct.unpack_from("<H", program, start + 20)
    for index in range(min(sections, _MAX_SECTIONS)):
        name, _, _, size, place = struct.unpack_from("<8sIIII", program, start + 24 + optional + 40 * index)
        if name.rstrip(b"\0") == b"mods":
            return machine, program[place : place + size]
    return machine, b""
