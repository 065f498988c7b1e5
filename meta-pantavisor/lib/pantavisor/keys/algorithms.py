# SPDX-License-Identifier: MIT
"""Signatures in JWS's own form, and those in certificates: whether a key made them."""

from __future__ import annotations

import hashlib

from ..errors import SignatureError
from . import der
from .der import SEQUENCE, DerReader
from .engine import PrivateKey, engine
from .publickey import CURVES, PublicKey
from .x509 import Certificate


class Mismatch(SignatureError):
    """A signature that is not one of these bytes by that key."""


def hash_name(algorithm: str) -> str:
    """As hashlib calls it; the last digits of an algorithm's name are its own."""
    return f"sha{algorithm[2:]}"


def sign_bytes(key: PrivateKey, algorithm: str, data: bytes) -> bytes:
    """The signature of ``data`` in JWS's form."""
    made = key.sign(hash_name(algorithm), hashlib.new(hash_name(algorithm), data).digest())
    return raw_ecdsa(made, algorithm) if algorithm in CURVES else made


def raw_ecdsa(signature: bytes, algorithm: str) -> bytes:
    """r||s from what a signer gave: r||s already, or DER. Raises SignatureError."""
    size = CURVES[algorithm].coordinate
    if len(signature) == 2 * size:
        return signature
    try:
        return b"".join(number.to_bytes(size, "big") for number in _numbers(signature))
    except (ValueError, OverflowError) as error:
        raise SignatureError(
            f"the signer gave {len(signature)} bytes, which are not a signature of {algorithm}"
        ) from error


def verify_bytes(key: PublicKey, algorithm: str, signature: bytes, data: bytes, *, what: str) -> None:
    """Raise SignatureError unless ``signature`` over ``data`` is by ``key``."""
    if key.algorithm != algorithm:
        raise SignatureError(f"{what} is by {algorithm}, but its key is for {key.algorithm}")
    if not _is_by(key, algorithm, signature, data):
        raise Mismatch(
            f"{what} does not match the state: a path that it covers was changed after it was signed",
            hint="sign it again; in a repository, run: pvr sig update",
        )


def _is_by(key: PublicKey, algorithm: str, signature: bytes, data: bytes) -> bool:
    size = key.coordinate
    if size:
        if len(signature) != 2 * size:
            return False
        halves = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
        signature = der.value(SEQUENCE, *map(der.number, halves))
    digest = hashlib.new(hash_name(algorithm), data).digest()
    return engine().verify(key, hash_name(algorithm), digest, signature)


def verify_made_by(parent: Certificate, child: Certificate) -> bool:
    """Whether the key of ``parent`` made the signature of ``child``, with a digest that is allowed."""
    if child.signed_with is None:
        return False
    name, is_ecdsa = child.signed_with
    coordinate = parent.key.coordinate
    if is_ecdsa != (coordinate > 0) or (is_ecdsa and not _is_ecdsa(child.signature, coordinate)):
        return False
    digest = hashlib.new(name, child.tbs).digest()
    return engine().verify(parent.key, name, digest, child.signature)


def _is_ecdsa(signature: bytes, coordinate: int) -> bool:
    """Two numbers in DER, neither longer than a coordinate."""
    try:
        return all(number.bit_length() <= 8 * coordinate for number in _numbers(signature))
    except ValueError:
        return False


def _numbers(signature: bytes) -> tuple[int, int]:
    numbers = DerReader(DerReader(signature).only(SEQUENCE))
    found = numbers.natural(), numbers.natural()
    numbers.end()
    return found


def verify_made(key: PublicKey, algorithm: str, signature: bytes, data: bytes, *, what: str) -> None:
    """As verify_bytes for a signature that was just made over ``data``, so that only the signer can be
    wrong.

    Raises SignatureError.
    """
    try:
        verify_bytes(key, algorithm, signature, data, what=what)
    except Mismatch as error:
        raise SignatureError(
            f"{what} is not an {algorithm} signature by the key of the certificate",
            hint="check the key, the signed bytes and the digest; the signature must be raw bytes",
        ) from error
