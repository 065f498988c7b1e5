# SPDX-License-Identifier: MIT
"""Digests (OCI form ``sha256:<hex>``), object ids (64 hex) and reading that verifies as it goes."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO, Optional, Union

from .errors import DigestError, FormatError

OBJECT_ID = re.compile(r"[0-9a-f]{64}")
CHUNK = 1024 * 1024  # bytes read at a time
_HEX_CHARS = {"sha256": 64, "sha512": 128}


@dataclass(frozen=True, order=True)
class Digest:
    """A content address as OCI writes it."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """``sha256:<64 hex>`` or ``sha512:<128 hex>``, lowercase; anything else is a FormatError."""
        algorithm, _, hex_text = text.partition(":")
        length = _HEX_CHARS.get(algorithm)
        if length is None or not re.fullmatch(f"[0-9a-f]{{{length}}}", hex_text):
            raise FormatError(f'"{text[:140]}" is not a digest', hint='write "sha256:<64 hex digits>"')
        return cls(algorithm, hex_text)

    @classmethod
    def of(cls, data: bytes) -> Digest:
        return cls("sha256", hashlib.sha256(data).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def is_object_id(value: object) -> bool:
    return isinstance(value, str) and OBJECT_ID.fullmatch(value) is not None


def file_sha256(path: Union[str, PathLike[str]]) -> str:
    """The sha256 of a file, 64 hex digits."""
    with open(path, "rb", buffering=0) as stream:
        return stream_sha256(stream)


def stream_sha256(stream: Union[BinaryIO, io.RawIOBase]) -> str:
    """The same of what a stream has left."""
    hasher = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()


class VerifyingReader(io.RawIOBase):
    """A stream that raises DigestError at its end, or as soon as it runs long, if it is not what was
    promised.

    The last bytes are only handed out after the whole was checked, so a caller that reads to the end has
    verified all of it; ``finish()`` reads what is left and checks.
    """

    def __init__(
        self, source: BinaryIO, digest: Digest, size: Optional[int], *, what: str = "blob"
    ) -> None:
        self._source = source
        self._digest = digest
        self._size = size
        self._what = what
        self._hasher = hashlib.new(digest.algorithm)
        self._seen = 0
        self._checked = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        """Raises DigestError."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        chunk = self._source.read(len(view))
        if not chunk:
            if len(view):
                self._check()
            return 0
        self._hasher.update(chunk)
        self._seen += len(chunk)
        if self._size is not None and self._seen >= self._size:
            self._end_at_size()
        view[: len(chunk)] = chunk
        return len(chunk)

    def finish(self) -> None:
        while self.read(CHUNK):
            pass

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()

    def _end_at_size(self) -> None:
        if self._seen > (self._size or 0) or self._source.read(1):
            raise DigestError(f"{self._what} {self._digest} is longer than the {self._size} bytes promised")
        self._check()

    def _check(self) -> None:
        if self._checked:
            return
        if self._size is not None and self._seen != self._size:
            raise DigestError(f"{self._what} {self._digest} ends after {self._seen} of {self._size} bytes")
        if self._hasher.hexdigest() != self._digest.hex:
            raise DigestError(
                f"{self._what} should be {self._digest} "
                f"but is {self._digest.algorithm}:{self._hasher.hexdigest()}"
            )
        self._checked = True
