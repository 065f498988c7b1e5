# SPDX-License-Identifier: MIT
"""A signer that is a program: the bytes to sign on its standard input, the raw signature on its standard
output.

So keys stay in a vault, a cloud service or a smart card, whatever has a command line.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from .. import proc
from ..errors import FormatError
from . import pem
from .algorithms import raw_ecdsa, verify_made
from .publickey import PublicKey, is_rsa

TIMEOUT_SECONDS = 300.0  # someone may have to touch a card
_SECRETS = ("PVR_PKCS11_PIN",)  # of the token that another key may be on


def words(text: str, *, what: str) -> list[str]:
    """A program and its arguments. Raises FormatError."""
    try:
        found = shlex.split(text)
    except ValueError as error:
        raise FormatError(f"{what} {text[:80]} has an unclosed quote") from error
    if not found:
        raise FormatError(f"{what} names no program")
    return found


@dataclass(frozen=True)
class CommandSigner:
    """Signs by running ``argv``; the chain's leaf gives the algorithm, and checks what the program gave."""

    algorithm: str
    x5c: tuple[bytes, ...]
    argv: tuple[str, ...]
    public: PublicKey = field(repr=False, compare=False)

    @classmethod
    def load(cls, argv: Sequence[str], chain_path: Path) -> CommandSigner:
        """``argv`` is a program with its arguments; ``chain_path`` its certificates, leaf first."""
        chain = pem.load_chain(chain_path)
        public = chain[0].key
        return cls(public.algorithm, pem.chain_der(chain), tuple(argv), public)

    def sign(self, data: bytes) -> bytes:
        """ECDSA may come as r||s or as DER. Raises SignatureError if the signature is not the leaf's."""
        with tempfile.TemporaryFile() as stream:
            stream.write(data)
            stream.seek(0)
            signature = proc.run(
                self.argv, without=_SECRETS, timeout=TIMEOUT_SECONDS, stdin=cast(BinaryIO, stream)
            ).stdout
        if not is_rsa(self.algorithm):
            signature = raw_ecdsa(signature, self.algorithm)
        verify_made(
            self.public, self.algorithm, signature, data, what=f"what {self.argv[0]} gave as a signature"
        )
        return signature
