# SPDX-License-Identifier: MIT
"""A reader of cpio archives in the form newc, written from the kernel's description and not from our
writer.
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
