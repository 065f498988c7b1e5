# SPDX-License-Identifier: MIT
"""A program for UEFI, as far as its headers say."""

from __future__ import annotations

import struct

HEADER, OPTIONAL, HEADERS = 0x40, 0x40 + 24, 512


def program(body: bytes = b"code" * 300, *, wide: bool = True, padding: int = 0) -> bytes:
    """One with the sections .text and .data, as its header describes them."""
    half = len(body) // 2 // 8 * 8
    sizes = (half, len(body) - half)
    size = 240 if wide else 224
    machine = 0x8664 if wide else 0x14C
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, 2, 0, 0, 0, size, 0x2022)
    fields = struct.pack("<HBBIIIII", 0x20B if wide else 0x10B, 0, 0, sizes[0], sizes[1], 0, 4096, 4096)
    fields += struct.pack("<Q", 0x400000) if wide else struct.pack("<II", 8192, 0x400000)
    fields += struct.pack("<IIHHHHHHIIIIHH", 4096, 8, 0, 0, 0, 0, 0, 0, 0, 16384, HEADERS, 0, 10, 0)
    fields += bytes(32 if wide else 16) + struct.pack("<II", 0, 16)
    head = b"MZ" + bytes(HEADER - 6) + struct.pack("<I", HEADER) + coff + fields.ljust(size, b"\0")
    start = HEADERS + padding
    for name, length, address in ((b".text", sizes[0], 4096), (b".data", sizes[1], 8192)):
        head += struct.pack("<8sIIIIIIHHI", name, length, address, length, start, 0, 0, 0, 0, 0x60000020)
        start += length
    return head.ljust(HEADERS + padding, b"\0") + body
