# SPDX-License-Identifier: MIT
"""Objects: each is read once, and everything that anyone wants to know of its bytes is found on the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ..readers import Chunks, Damaged
from .verity import HashTree

HEAD_BYTES = 256 * 1024  # kept of each object
THREADS = 2  # sha256 runs without the interpreter's lock
KEY_HINT = "remove it: private keys must never reach a device"
_MARK = b"PRIVATE KEY-----"
# The words alone are in every TLS library; a key is followed by its base64 text or its headers.
_PRIVATE_KEY = re.compile(
    rb"PRIVATE KEY-----(?:\\[nr]|\s)+(?:[A-Za-z0-9+/=]{16}|[A-Z][A-Za-z]+-?[A-Za-z]*: )"
)
_OVERLAP = 160


@dataclass(frozen=True)
class Facts:
    """What one object is. ``trees`` are its verity trees by salt (hex); ``error`` is why it could not be
    read.
    """

    size: int = 0
    sha256: str = ""
    head: bytes = b""
    private_key: bool = False
    trees: Mapping[str, HashTree] = field(default_factory=dict)
    error: str = ""

    @property
    def text(self) -> bytes | None:
        """The whole content, where it is small."""
        return self.head if self.size == len(self.head) else None


def scan(objects: Mapping[str, Chunks], salts: Mapping[str, frozenset[str]]) -> dict[str, Facts]:
    """Facts by object id. ``salts`` names, by object id, the salts (hex) of the verity trees to make."""
    with ThreadPoolExecutor(THREADS) as pool:
        names = sorted(objects)
        found = pool.map(lambda name: _facts(objects[name], salts.get(name, frozenset())), names)
        return dict(zip(names, found))


def _facts(chunks: Chunks, salts: frozenset[str]) -> Facts:
    hasher = hashlib.sha256()
    trees = {salt: HashTree(bytes.fromhex(salt)) for salt in sorted(salts)}
    leaks = KeyFinder()
    head = bytearray()
    size = 0
    try:
        for chunk in chunks():
            hasher.update(chunk)
            leaks.feed(chunk)
            for tree in trees.values():
                tree.feed(chunk)
            head += chunk[: max(0, HEAD_BYTES - len(head))]
            size += len(chunk)
    except (Damaged, OSError) as error:
        return Facts(size=size, error=getattr(error, "message", str(error)))
    for tree in trees.values():
        tree.finish()
    return Facts(size, hasher.hexdigest(), bytes(head), leaks.found, trees)


class KeyFinder:
    """Looks for private keys in a stream of chunks."""

    def __init__(self) -> None:
        self.found = False
        self._tail = b""

    def feed(self, chunk: bytes) -> None:
        border = self._tail + chunk[:_OVERLAP]
        self._tail = chunk[-_OVERLAP:] if len(chunk) >= _OVERLAP else (self._tail + chunk)[-_OVERLAP:]
        if _MARK in chunk:
            self.found = self.found or _PRIVATE_KEY.search(chunk) is not None
        if _MARK in border:
            self.found = self.found or _PRIVATE_KEY.search(border) is not None


def has_private_key(data: bytes) -> bool:
    """Whether a private key in PEM form is in ``data``."""
    finder = KeyFinder()
    finder.feed(data)
    return finder.found
