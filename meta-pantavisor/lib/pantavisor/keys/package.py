# SPDX-License-Identifier: MIT
"""Signatures by the Python package cryptography: the only code that imports it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from ..errors import SignatureError
from .publickey import CURVES, PublicKey, is_rsa


@dataclass(frozen=True)
class PackageKey:
    """A private key in this process."""

    info: bytes
    _key: Any = field(repr=False, compare=False)

    def sign(self, hash_name: str, digest: bytes) -> bytes:
        """Raises SignatureError where the key is damaged."""
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._sign_rsa(digest, hash_name)
        return bytes(self._key.sign(digest, ec.ECDSA(_prehashed(hash_name), deterministic_signing=True)))

    def _sign_rsa(self, digest: bytes, hash_name: str) -> bytes:
        # A signature by a damaged key would give its factors away, so none leaves here unverified. That
        # takes a thousandth of the time that testing the factors at loading takes.
        method = _rsa_method(hash_name)
        made = bytes(self._key.sign(digest, *method))
        if not _is_signature(self._key.public_key(), made, digest, method):
            raise SignatureError(
                "the private key is damaged: its signatures do not verify",
                hint="restore the file of the key from a copy",
            )
        return made


class PackageEngine:
    """See ``engine``."""

    def verify(self, key: PublicKey, hash_name: str, digest: bytes, signature: bytes) -> bool:
        from cryptography.hazmat.primitives.asymmetric import ec

        method = (ec.ECDSA(_prehashed(hash_name)),) if key.coordinate else _rsa_method(hash_name)
        return _is_signature(_load_public(key.info), signature, digest, method)

    def load(self, block: bytes) -> PackageKey:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            PublicFormat,
            load_pem_private_key,
        )

        try:
            key = load_pem_private_key(block, password=None, unsafe_skip_rsa_key_validation=True)
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
        if is_rsa(algorithm):
            key = rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
        else:
            curve = getattr(ec, f"SECP{CURVES[algorithm].name[2:]}R1")
            key = ec.generate_private_key(curve())
        return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _is_signature(key: Any, signature: bytes, digest: bytes, method: tuple[Any, ...]) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, digest, *method)
    except InvalidSignature:
        return False
    return True


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
