# SPDX-License-Identifier: MIT
"""A program as a linker of Go writes it, as far as its build information goes."""

from __future__ import annotations

import struct

MODULES = (
    "path\tx\nmod\texample.com/app\t(devel)\t\ndep\ta.b/c\tv1.2.3\th1:x\n"
    "dep\td.e/f\tv0.1.0\n=>\tg.h/i\tv2.0.0\n"
)


def program(form: str, order: str = "<") -> bytes:
    """An ELF file of 64 bits with one data segment and build information in it, without sections."""
    mark = b"0123456789abcdef"
    version, listed = b"go1.22.1", mark + MODULES.encode() + mark
    address, at = 0x10000, 4096
    if form == "inline":
        info = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16)
        for text in (version, listed):
            info += bytes([len(text) & 127 | 128, len(text) >> 7]) + text
    else:
        info = b"\xff Go buildinf:" + bytes([8, order == ">"])
        info += struct.pack(f"{order}QQ", address + 32, address + 48)
        info += struct.pack(f"{order}QQ", address + 64, len(version))
        info += struct.pack(f"{order}QQ", address + 64 + len(version), len(listed))
        info += version + listed
    info += bytes(1024)
    ident = b"\x7fELF" + bytes([2, 1 if order == "<" else 2, 1]) + bytes(9)
    head = struct.pack(f"{order}HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack(f"{order}IIQQQQQQ", 1, 6, at, address, address, len(info), len(info), 4096)
    return (ident + head + segment).ljust(at, b"\0") + info
