# SPDX-License-Identifier: MIT
"""Key files: private keys and certificate chains in PEM form.

PKCS#8, PKCS#1 and SEC1, unencrypted. The first private key of a file counts, as in the published tool;
certificates are in order, leaf first.
"""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from ..errors import FormatError, NotFound
from . import publickey, x509
from .algorithms import sign_bytes
from .der import SEQUENCE, DerReader
from .engine import PrivateKey, engine
from .publickey import PublicKey
from .x509 import Certificate

MAX_PEM_BYTES = 1024 * 1024
_PRIVATE = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_CERTIFICATE = re.compile(
    rb"-----BEGIN (?:X509 )?CERTIFICATE-----(.*?)-----END (?:X509 )?CERTIFICATE-----", re.DOTALL
)
_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True)
class PemSigner:
    """A private key from a PEM file. The key never shows in a repr or an error."""

    algorithm: str
    x5c: tuple[bytes, ...]
    public: PublicKey = field(repr=False)
    _key: PrivateKey = field(repr=False, compare=False)

    @classmethod
    def load(cls, key_path: Path, chain_path: Optional[Path] = None) -> PemSigner:
        """Read key and chain (leaf first), and see that they belong together. Raises FormatError."""
        key = load_private_key(key_path)
        chain = load_chain(chain_path) if chain_path else ()
        if chain and chain[0].key.info != key.info:
            raise FormatError(
                f"{key_path} is not the key of the first certificate in {chain_path}",
                hint="name a key and its own certificate by --key and --x5c (PVS_KEY and PVS_X5C)",
            )
        public = publickey.read(key.info, what=str(key_path))
        return cls(public.algorithm, chain_der(chain), public, key)

    def sign(self, data: bytes) -> bytes:
        return sign_bytes(self._key, self.algorithm, data)


def load_chain(path: Path) -> tuple[Certificate, ...]:
    return parse_chain(read(path), str(path))


def chain_of(path: Path) -> tuple[bytes, ...]:
    """The certificates of a PEM file in DER, as a signature's header carries them."""
    return chain_der(load_chain(path))


def parse_chain(pem: bytes, what: str) -> tuple[Certificate, ...]:
    """At least one certificate, each as devices read it; FormatError naming ``what``."""
    chain = tuple(_certificate(block, what) for block in _CERTIFICATE.findall(pem))
    if not chain:
        raise FormatError(f"{what} holds no certificate in PEM form")
    return chain


def _certificate(block: bytes, what: str) -> Certificate:
    try:
        return x509.read(base64.b64decode(b"".join(block.split()), validate=True))
    except ValueError as error:
        raise FormatError(f"{what} holds a damaged certificate") from error
    except FormatError as error:
        hint = "use one of those in docs/formats/signature.md"
        raise FormatError(
            f"{what} holds a certificate that devices do not read: {error.message}", hint=hint
        ) from error


def public_keys_of(path: Path) -> bytes:
    """The blocks ``PUBLIC KEY`` of a file, at least one. Raises FormatError."""
    found = _PUBLIC.findall(read(path))
    if not found:
        raise FormatError(
            f"{path} holds no public key in PEM form", hint="run: openssl pkey -in KEY -pubout"
        )
    return b"\n".join(found) + b"\n"


def parse_public_keys(pem: bytes, what: str) -> tuple[PublicKey, ...]:
    """The blocks ``PUBLIC KEY``, maybe none. Raises FormatError."""
    return tuple(_public_key(match.group(), what) for match in _PUBLIC.finditer(pem))


def _public_key(block: bytes, what: str) -> PublicKey:
    try:
        info = base64.b64decode(b"".join(block.splitlines()[1:-1]), validate=True)
        DerReader(info).only(SEQUENCE)
    except ValueError as error:
        raise FormatError(f"{what} holds a damaged public key") from error
    return publickey.read(info, what=f"a public key in {what}")


def chain_der(chain: Sequence[Certificate]) -> tuple[bytes, ...]:
    return tuple(certificate.der for certificate in chain)


def as_pem(certificate: bytes) -> bytes:
    """A certificate (DER) as PEM."""
    lines = "\n".join(textwrap.wrap(base64.b64encode(certificate).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n".encode()


def read(path: Path) -> bytes:
    """A PEM file of bounded size. Raises NotFound, FormatError."""
    if not path.is_file():
        if path.exists():
            raise FormatError(f"{path} is not a file", hint="name the PEM file")
        # Keys are never made in a directory that exists.
        make = f"run: pvr keys generate {path.parent}; options name others, as --help shows"
        raise NotFound(
            f"{path} does not exist", hint="check the spelling" if path.parent.is_dir() else make
        )
    if path.stat().st_size > MAX_PEM_BYTES:
        raise FormatError(f"{path} is larger than a PEM file of {MAX_PEM_BYTES} bytes")
    return path.read_bytes()


def load_private_key(path: Path) -> PrivateKey:
    """The first private key of a PEM file. Raises NotFound, FormatError."""
    block = _PRIVATE.search(read(path))
    if block is None:
        raise FormatError(f"{path} holds no private key in PEM form")
    if b"ENCRYPTED" in block.group()[:100]:
        raise FormatError(f"{path} is encrypted", hint="decrypt it where it is safe, or let a command sign")
    try:
        return engine().load(block.group() + b"\n")
    except ValueError:
        # Without its cause, which may quote the input.
        raise FormatError(f"{path} holds a private key that cannot be read") from None
