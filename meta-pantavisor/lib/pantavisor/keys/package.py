# SPDX-License-Identifier: MIT
"""Signatures by the Python package cryptography: the only code that imports it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from .publickey import CURVES, PublicKey


@dataclass(frozen=True)
class PackageKey:
    """A private key in this process."""

    info: bytes
    _key: Any = field(repr=False, compare=False)

    def sign(self, hash_name: str, digest: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        if isinstance(self._key, rsa.RSAPrivateKey):
            return bytes(self._key.sign(digest, *_rsa_method(hash_name)))
        return bytes(self._key.sign(digest, ec.ECDSA(_prehashed(hash_name), deterministic_signing=True)))


class PackageEngine:
    """See ``engine``."""

    def verify(self, key: PublicKey, hash_name: str, digest: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec

        method = (ec.ECDSA(_prehashed(hash_name)),) if key.coordinate else _rsa_method(hash_name)
        try:
            _load_public(key.info).verify(signature, digest, *method)
        except InvalidSignature:
            return False
        return True

    def load(self, block: bytes) -> PackageKey:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            PublicFormat,
            load_pem_private_key,
        )

        try:
            key = load_pem_private_key(block, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # Without its cause: the package's words may quote the input.
            raise ValueError("a private key cannot be read") from None
        return PackageKey(
            key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), key
        )

    def make(self, algorithm: str, rsa_bits: int) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ec, rsa
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key: Any
        if algorithm == "RS256":
            key = rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
        else:
            curve = getattr(ec, f"SECP{CURVES[algorithm].name[2:]}R1")
            key = ec.generate_private_key(curve())
        return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@functools.lru_cache(maxsize=64)
def _load_public(info: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    return load_der_public_key(info)


def _prehashed(hash_name: str) -> Any:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import utils

    return utils.Prehashed(getattr(hashes, hash_name.upper())())


def _rsa_method(hash_name: str) -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.asymmetric import padding

    return padding.PKCS1v15(), _prehashed(hash_name)
