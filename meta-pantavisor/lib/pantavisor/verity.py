# SPDX-License-Identifier: MIT
"""dm-verity hash files, byte for byte what ``veritysetup format`` writes with its defaults.

Superblock (512 bytes, alone in the first hash block), then the hash tree, its top first. Version 1, hash
type 1: a block's hash is sha256(salt + block); blocks of hashes hold 128 digests, the last filled up with
zeros. One data block needs no tree: its hash is the root hash. Source: cryptsetup's on-disk format, checked
against veritysetup 2.6.1.

Salt and UUID are derived from the data unless given, so the same image has the same root hash wherever it
is built. The salt is not a secret: it only keeps hashes computed for one image from serving for another.
"""

from __future__ import annotations

import hashlib
import struct
import uuid as uuids
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO, Optional, Union

from . import atomic
from .cjson import Json
from .digest import file_sha256
from .errors import DigestError, FormatError

BLOCK_BYTES = 4096  # of data and of hashes
MAX_SALT_BYTES = 256
MAX_DATA_BLOCKS = 2**28  # 1 TiB; the digests of the lowest level are held in memory
_DIGEST_BYTES = 32
_SUPERBLOCK = struct.Struct("<8sII16s32sIIQH6x256s168x")
_READ_BLOCKS = 256  # read at a time

PathIn = Union[str, "PathLike[str]"]


@dataclass(frozen=True)
class VerityParameters:
    """What a device needs to open the pair of files, in addition to the files."""

    root_hash: str  # 64 hex digits
    salt: bytes
    uuid: uuids.UUID
    data_blocks: int

    def manifest(self, *, data_device: str, hash_device: str) -> Json:
        """The content of ``_dm/<volume>.json``."""
        return {
            "data_device": data_device,
            "hash_device": hash_device,
            "root_hash": self.root_hash,
            "salt": self.salt.hex(),
            "type": "dm-verity",
            "uuid": str(self.uuid),
        }


def format(
    data_path: PathIn,
    hash_path: PathIn,
    *,
    salt: Optional[bytes] = None,
    uuid: Optional[uuids.UUID] = None,
    data_sha256: Optional[str] = None,
) -> VerityParameters:
    """Write the hash file of ``data_path`` to ``hash_path``.

    ``data_sha256`` (hex), where it is known, saves a reading when salt or UUID are to be derived. Raises
    FormatError for data that is not whole blocks of 4096 bytes, or none at all.
    """
    if salt is None or uuid is None:
        seed = bytes.fromhex(data_sha256 or file_sha256(data_path))
        salt = _derive("salt", seed) if salt is None else salt
        uuid = uuids.UUID(bytes=_derive("uuid", seed)[:16], version=5) if uuid is None else uuid
    if len(salt) > MAX_SALT_BYTES:
        raise FormatError(f"a dm-verity salt has at most {MAX_SALT_BYTES} bytes, not {len(salt)}")
    with open(data_path, "rb", buffering=0) as stream:
        lowest, count = _hash_data(stream, salt, str(data_path))
    levels, root = _build(lowest, salt)
    parameters = VerityParameters(root.hex(), salt, uuid, count)
    with atomic.replacing(hash_path) as target:
        target.write(_superblock(parameters))
        for level in reversed(levels):
            target.write(level)
    return parameters


def verify(data_path: PathIn, hash_path: PathIn, parameters: VerityParameters) -> VerityParameters:
    """Raise DigestError unless both files are exactly what ``parameters`` promise; return these.

    Raises FormatError too, for a file that is not a whole number of blocks.
    """
    with open(data_path, "rb", buffering=0) as stream:
        lowest, count = _hash_data(stream, parameters.salt, str(data_path))
    levels, root = _build(lowest, parameters.salt)
    if root.hex() != parameters.root_hash or count != parameters.data_blocks:
        raise DigestError(
            f"{data_path} has the root hash {root.hex()}, but {parameters.root_hash} is promised"
        )
    with open(hash_path, "rb") as stream:
        for part in (_superblock(parameters), *reversed(levels), b""):
            # One byte more at the end shows a file that is too long.
            if stream.read(len(part) or 1) != part:
                raise DigestError(f"{hash_path} is not the hash tree of {data_path}")
    return parameters


def _derive(purpose: str, seed: bytes) -> bytes:
    return hashlib.sha256(f"dm-verity {purpose}".encode() + seed).digest()


def _hash_data(stream: BinaryIO, salt: bytes, what: str) -> tuple[bytes, int]:
    """The digests of all data blocks, one after the other, and how many."""
    digests = bytearray()
    size = 0
    while chunk := _read_full(stream):
        size += len(chunk)
        if len(chunk) % BLOCK_BYTES or size // BLOCK_BYTES > MAX_DATA_BLOCKS:
            raise FormatError(
                f"{what} is not whole blocks of {BLOCK_BYTES} bytes, or too many of them, for dm-verity"
            )
        digests += b"".join(_digests(chunk, salt))
    if not size:
        raise FormatError(f"{what} is empty, and dm-verity needs at least one block")
    return bytes(digests), size // BLOCK_BYTES


def _read_full(stream: BinaryIO) -> bytes:
    """As much as asked for, except at the end: a raw stream may give less."""
    chunk = stream.read(_READ_BLOCKS * BLOCK_BYTES)
    while chunk and len(chunk) % BLOCK_BYTES:
        more = stream.read(BLOCK_BYTES - len(chunk) % BLOCK_BYTES)
        if not more:
            break
        chunk += more
    return chunk


def _digests(chunk: bytes, salt: bytes) -> Iterator[bytes]:
    salted = hashlib.sha256(salt)
    view = memoryview(chunk)
    for start in range(0, len(chunk), BLOCK_BYTES):
        hasher = salted.copy()
        hasher.update(view[start : start + BLOCK_BYTES])
        yield hasher.digest()


def _build(lowest: bytes, salt: bytes) -> tuple[list[bytes], bytes]:
    """The levels of hash blocks, lowest first, and the root hash."""
    levels = []
    digests = lowest
    while len(digests) > _DIGEST_BYTES:
        blocks = digests + bytes(-len(digests) % BLOCK_BYTES)
        levels.append(blocks)
        digests = b"".join(_digests(blocks, salt))
    return levels, digests


def _superblock(parameters: VerityParameters) -> bytes:
    block = _SUPERBLOCK.pack(
        b"verity\0\0",
        1,
        1,
        parameters.uuid.bytes,
        b"sha256",
        BLOCK_BYTES,
        BLOCK_BYTES,
        parameters.data_blocks,
        len(parameters.salt),
        parameters.salt,
    )
    return block + bytes(BLOCK_BYTES - len(block))
