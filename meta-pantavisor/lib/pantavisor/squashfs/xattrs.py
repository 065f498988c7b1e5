# SPDX-License-Identifier: MIT
"""Which extended attributes squashfs has a number for; others have no place in an image."""

from __future__ import annotations

PREFIXES = (b"user.", b"trusted.", b"security.")  # in the order of their numbers


def has_place(name: bytes) -> bool:
    return name.startswith(PREFIXES)
