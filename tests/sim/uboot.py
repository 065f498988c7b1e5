# SPDX-License-Identifier: MIT
"""A script for U-Boot, as mkimage makes it."""

from __future__ import annotations

import struct
import zlib


def script(text: bytes = b"echo booting\n") -> bytes:
    """With the checksums of its head and body."""
    body = struct.pack(">II", len(text), 0) + text
    head = struct.pack(">7I4B32s", 0x27051956, 0, 0, len(body), 0, 0, zlib.crc32(body), 5, 2, 6, 0, b"boot")
    return head[:4] + struct.pack(">I", zlib.crc32(head)) + head[8:] + body
