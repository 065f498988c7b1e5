# SPDX-License-Identifier: MIT
"""dm-verity, as the kernel's documentation has it: hash type 1, sha256, blocks of 4096 bytes, the salt
before the data.

The hash device holds a superblock, then the levels from the top one down; the root hash is that of the top
block.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from typing import Optional
from uuid import UUID

BLOCK = 4096
SUPER_BLOCK = struct.Struct("<8sII16s32sIIQH6x256s168x")
DIGEST = 32
MAGIC = b"verity\0\0"


class HashTree:
    """Made from a stream of data; ``root`` and ``levels`` (top first) are set after finish()."""

    def __init__(self, salt: bytes) -> None:
        self._salted = hashlib.sha256(salt)
        self._digests = bytearray()
        self._rest = b""
        self.blocks = 0
        self.root = ""
        self.levels: tuple[bytes, ...] = ()

    def feed(self, chunk: bytes) -> None:
        data = self._rest + chunk if self._rest else chunk
        whole = len(data) // BLOCK * BLOCK
        self._digests += self._hash(data[at : at + BLOCK] for at in range(0, whole, BLOCK))
        self._rest = data[whole:]
        self.blocks += whole // BLOCK

    def finish(self) -> None:
        if self._rest:
            self._digests += self._hash([self._rest.ljust(BLOCK, b"\0")])
            self.blocks += 1
        levels: list[bytes] = []
        level = bytes(self._digests)
        while len(level) > DIGEST:
            level += bytes(-len(level) % BLOCK)
            levels.insert(0, level)
            level = self._hash(level[at : at + BLOCK] for at in range(0, len(level), BLOCK))
        self.root = level.hex()
        self.levels = tuple(levels)
        self._digests.clear()

    def _hash(self, blocks: Iterable[bytes]) -> bytes:
        digests = bytearray()
        for block in blocks:
            hasher = self._salted.copy()
            hasher.update(block)
            digests += hasher.digest()
        return bytes(digests)


def identity(head: bytes) -> Optional[tuple[str, str]]:
    """Salt (hex) and UUID in the superblock of the hash device that begins with ``head``; None where it
    has none.
    """
    if len(head) < SUPER_BLOCK.size:
        return None
    magic, _, _, uuid, _, _, _, _, size, salt = SUPER_BLOCK.unpack(head[: SUPER_BLOCK.size])
    return (salt[:size].hex(), str(UUID(bytes=uuid))) if magic == MAGIC else None


def check_hash_device(tree: HashTree, head: bytes, sha256: str, *, salt: str, uuid: str) -> str:
    """Why the hash device that begins with ``head`` and has digest ``sha256`` is not that of ``tree``, or
    nothing.
    """
    if len(head) < BLOCK:
        return "the hash device is too short"
    magic, version, kind, identity, algorithm, data_block, hash_block, blocks, salt_size, salted = (
        SUPER_BLOCK.unpack(head[: SUPER_BLOCK.size])
    )
    if magic != MAGIC or (version, kind) != (1, 1) or algorithm.rstrip(b"\0") != b"sha256":
        return "the hash device has no superblock of type 1 with sha256"
    if (data_block, hash_block) != (BLOCK, BLOCK) or blocks != tree.blocks:
        return (
            f"the hash device is for {blocks} blocks of {data_block} bytes, "
            f"the data has {tree.blocks} of {BLOCK}"
        )
    if salted[:salt_size].hex() != salt or str(UUID(bytes=identity)) != uuid:
        return "the hash device has another salt or uuid than its manifest"
    hasher = hashlib.sha256(head[:BLOCK])
    for level in tree.levels:
        hasher.update(level)
    return "" if hasher.hexdigest() == sha256 else "the hash device does not hold the tree of the data"
