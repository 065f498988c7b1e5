# SPDX-License-Identifier: MIT
"""CRC-32C (Castagnoli), as ext4 puts it into its metadata: reflected, no final inversion.

Source: RFC 3720, section 12.1, for the polynomial.
"""

from __future__ import annotations


def _table() -> tuple[int, ...]:
    rows = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_TABLE = _table()


def crc32c(data: bytes, seed: int = 0xFFFFFFFF) -> int:
    """The checksum of ``data`` on top of ``seed``."""
    table = _TABLE
    for byte in data:
        seed = seed >> 8 ^ table[(seed ^ byte) & 0xFF]
    return seed
