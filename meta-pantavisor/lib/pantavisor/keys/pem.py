# SPDX-License-Identifier: MIT
"""Key files: private keys and certificate chains in PEM form.

PKCS#8, PKCS#1 and SEC1, unencrypted. The first private key of a file counts, as in the published tool;
certificates stand leaf first.
"""

from __future__ import annotations

import base64
import re
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from ..errors import FormatError, NotFound
from . import x509
from .algorithms import algorithm_of, hash_of, raw_ecdsa
from .certificates import damage, read_der

MAX_PEM_BYTES = 1024 * 1024
_PRIVATE = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True)
class PemSigner:
    """A private key from a PEM file. The key never shows in a repr or an error."""

    algorithm: str
    x5c: tuple[bytes, ...]
    _key: Any = field(repr=False, compare=False)

    @classmethod
    def load(cls, key_path: Path, chain_path: Optional[Path] = None) -> PemSigner:
        """Read key and chain (leaf first), and see that they belong together. Raises FormatError."""
        key = load_private_key(key_path)
        chain = load_chain(chain_path) if chain_path else ()
        if chain and chain[0].public_key() != key.public_key():
            raise FormatError(f"{key_path} is not the key of the first certificate in {chain_path}")
        return cls(algorithm_of(key.public_key(), what=str(key_path)), chain_der(chain), key)

    def sign(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding

        if self.algorithm == "RS256":
            return bytes(self._key.sign(data, padding.PKCS1v15(), hashes.SHA256()))
        method = ec.ECDSA(hash_of(self.algorithm), deterministic_signing=True)
        return raw_ecdsa(self._key.sign(data, method), self.algorithm)


def load_chain(path: Path) -> tuple[Any, ...]:
    return parse_chain(read(path), str(path))


def chain_of(path: Path) -> tuple[bytes, ...]:
    """The certificates of a PEM file in DER, as a signature's header carries them."""
    return chain_der(load_chain(path))


def parse_chain(pem: bytes, what: str) -> tuple[Any, ...]:
    """At least one certificate, each readable in all its parts; FormatError naming ``what``."""
    from cryptography import x509

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = tuple(x509.load_pem_x509_certificates(pem))
    except damage() as error:
        raise FormatError(f"{what} holds no certificate in PEM form") from error
    try:
        chain = tuple(map(read_der, chain_der(found)))
    except damage() as error:
        raise FormatError(f"{what} holds a damaged certificate") from error
    for der in chain_der(chain):
        _check_profile(der, what)
    return chain


def _check_profile(der: bytes, what: str) -> None:
    try:
        x509.read(der)
    except FormatError as error:
        hint = "docs/formats/signature.md lists what devices read"
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


def parse_public_keys(pem: bytes, what: str) -> tuple[Any, ...]:
    """The blocks ``PUBLIC KEY``, maybe none. Raises FormatError."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return tuple(load_pem_public_key(match.group()) for match in _PUBLIC.finditer(pem))
    except damage() as error:
        raise FormatError(f"{what} holds a damaged public key") from error


def chain_der(chain: Sequence[Any]) -> tuple[bytes, ...]:
    from cryptography.hazmat.primitives.serialization import Encoding

    return tuple(certificate.public_bytes(Encoding.DER) for certificate in chain)


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


def load_private_key(path: Path) -> Any:
    """The first private key of a PEM file. Raises NotFound, FormatError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    block = _PRIVATE.search(read(path))
    if block is None:
        raise FormatError(f"{path} holds no private key in PEM form")
    if b"ENCRYPTED" in block.group()[:100]:
        raise FormatError(f"{path} is encrypted", hint="decrypt it where it is safe, or let a command sign")
    try:
        return load_pem_private_key(block.group(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without its cause: the library's words may quote the input.
        raise FormatError(f"{path} holds a private key that cannot be read") from None
