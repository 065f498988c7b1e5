# SPDX-License-Identifier: MIT
"""Reads and writes cpio archives in the form newc, from the kernel's description and not from our
code.
"""

from __future__ import annotations

HEADER_BYTES = 110


def read(data: bytes) -> dict[str, tuple[list[int], bytes]]:
    """Name -> the thirteen header fields (inode, mode, uid, gid, links, time, size, ...) and the data."""
    found: dict[str, tuple[list[int], bytes]] = {}
    position = 0
    while True:
        assert data[position : position + 6] == b"070701"
        fields = [int(data[position + 6 + 8 * n : position + 14 + 8 * n], 16) for n in range(13)]
        end = position + HEADER_BYTES + fields[11]
        name = data[position + HEADER_BYTES : end - 1].decode()
        start = -(-end // 4) * 4
        if name == "TRAILER!!!":
            assert not any(data[start:])
            return found
        found[name] = (fields, data[start : start + fields[6]])
        position = -(-(start + fields[6]) // 4) * 4


def write(files: dict[str, bytes]) -> bytes:
    """As ``cpio --format=newc`` writes it."""
    made = b""
    for name, content in {**files, "TRAILER!!!": b""}.items():
        fields = (1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        for piece in (head, content):
            made += piece + bytes(-len(piece) % 4)
    return made
