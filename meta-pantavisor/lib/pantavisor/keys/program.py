# SPDX-License-Identifier: MIT
"""Signatures by the program openssl, 3.0 or later; ECDSA, which must give the same bytes each time, from
3.2.

A private key reaches it on its standard input, from memory: it is in no argument and in no file of ours.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from .. import proc
from ..errors import PantavisorError
from .publickey import CURVES, RSA, PublicKey, is_rsa

_KEY = "/dev/stdin"
_DETERMINISTIC = ("-pkeyopt", "nonce-type:1")


@dataclass(frozen=True)
class ProgramKey:
    """A private key, given to the program for each signature."""

    info: bytes
    _block: bytes = field(repr=False, compare=False)

    def sign(self, hash_name: str, digest: bytes) -> bytes:
        """The signature. Raises PantavisorError where an EC key meets an openssl older than 3.2."""
        is_rsa = RSA in self.info
        try:
            return _sign(self._block, hash_name, digest, () if is_rsa else _DETERMINISTIC)
        except proc.ToolError as error:
            if is_rsa or b"nonce-type" not in str(error).encode():
                raise
            raise PantavisorError(
                "this openssl cannot sign with an EC key and give the same bytes each time",
                hint="use openssl 3.2 or later, install the Python package cryptography, or use an RSA key",
            ) from None


class ProgramEngine:
    """See ``engine``."""

    def verify(self, key: PublicKey, hash_name: str, digest: bytes, signature: bytes) -> bool:
        with _files(key=key.info, digest=digest, signature=signature) as folder:
            result = proc.run(
                [
                    *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", folder / "key"),
                    *("-sigfile", folder / "signature", "-in", folder / "digest"),
                    *("-pkeyopt", f"digest:{hash_name}"),
                ],
                accept=(0, 1),
            )
        return result.status == 0

    def load(self, block: bytes) -> ProgramKey:
        try:
            with _memory(block) as key:
                words = ("openssl", "pkey", "-in", _KEY, "-passin", "pass:", "-pubout", "-outform", "DER")
                return ProgramKey(proc.run(words, stdin=key).stdout, block)
        except proc.ToolError:
            raise ValueError("a private key cannot be read") from None

    def make(self, algorithm: str, rsa_bits: int) -> bytes:
        if is_rsa(algorithm):
            kind = ("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{rsa_bits}")
        else:
            curve = f"ec_paramgen_curve:{CURVES[algorithm].name}"
            kind = ("-algorithm", "EC", "-pkeyopt", curve)
        return proc.run(["openssl", "genpkey", *kind]).stdout


def _sign(block: bytes, hash_name: str, digest: bytes, options: tuple[str, ...]) -> bytes:
    with _files(digest=digest) as folder, _memory(block) as key:
        words = (
            "openssl",
            "pkeyutl",
            "-sign",
            "-inkey",
            _KEY,
            "-passin",
            "pass:",
            "-in",
            folder / "digest",
        )
        return proc.run([*words, "-pkeyopt", f"digest:{hash_name}", *options], stdin=key).stdout


@contextmanager
def _files(**contents: bytes) -> Iterator[Path]:
    """A folder of files that hold nothing secret."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            Path(folder, name).write_bytes(content)
        yield Path(folder)


@contextmanager
def _memory(block: bytes) -> Iterator[BinaryIO]:
    """Bytes that a program can read and that are on no disk."""
    with os.fdopen(os.memfd_create("key", os.MFD_CLOEXEC), "w+b") as stream:
        stream.write(block)
        stream.flush()
        stream.seek(0)
        yield cast(BinaryIO, stream)
