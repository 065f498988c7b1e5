# SPDX-License-Identifier: MIT
"""Which key goes with which algorithm, and signatures in JWS's own form."""

from __future__ import annotations

from typing import Any

from ..errors import FormatError, SignatureError
from .der import SEQUENCE, DerReader
from .x509 import RSA_BITS, Certificate

# Algorithm -> curve as cryptography names it, bytes of one coordinate.
CURVES = {"ES256": ("secp256r1", 32), "ES384": ("secp384r1", 48), "ES512": ("secp521r1", 66)}


class Mismatch(SignatureError):
    """A signature that is not one of these bytes by that key."""


def algorithm_of(key: Any, *, what: str = "the key") -> str:
    """The algorithm of a public key; FormatError for a kind that devices do not verify."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS:
        return "RS256"
    if isinstance(key, ec.EllipticCurvePublicKey):
        for name, (curve, _) in CURVES.items():
            if key.curve.name == curve:
                return name
    raise FormatError(
        f"{what} is of a kind that devices do not verify",
        hint=f"use RSA of {RSA_BITS[0]} to {RSA_BITS[-1]} bits, or EC on P-256, P-384 or P-521",
    )


def hash_name(algorithm: str) -> str:
    """As hashlib calls it; the last digits of an algorithm's name are its own."""
    return f"sha{algorithm[2:]}"


def hash_of(algorithm: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return getattr(hashes, hash_name(algorithm).upper())()


def raw_ecdsa(signature: bytes, algorithm: str) -> bytes:
    """r||s from what a signer gave: r||s already, or DER. Raises SignatureError."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    size = CURVES[algorithm][1]
    if len(signature) == 2 * size:
        return signature
    try:
        return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(signature))
    except (ValueError, OverflowError) as error:
        raise SignatureError(
            f"the signer gave {len(signature)} bytes, which are not a signature of {algorithm}"
        ) from error


def verify_bytes(key: Any, algorithm: str, signature: bytes, data: bytes, *, what: str) -> None:
    """Raise SignatureError unless ``signature`` over ``data`` is by the public ``key``."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if algorithm_of(key, what=f"the key of {what}") != algorithm:
        raise SignatureError(f"{what} is by {algorithm}, but its key is for {algorithm_of(key)}")
    try:
        if algorithm == "RS256":
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            return
        size = CURVES[algorithm][1]
        if len(signature) != 2 * size:
            raise InvalidSignature
        r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(hash_of(algorithm)))
    except InvalidSignature as error:
        raise Mismatch(
            f"{what} does not match the state: a path that it covers was changed after it was signed",
            hint="sign it again; in a repository, run: pvr sig update",
        ) from error


def verify_made_by(parent: Certificate, child: Certificate) -> bool:
    """Whether the key of ``parent`` made the signature of ``child``, with a digest that is allowed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    if child.signed_with is None:
        return False
    name, is_ecdsa = child.signed_with
    digest = getattr(hashes, name.upper())()
    if is_ecdsa != (parent.coordinate > 0) or (
        is_ecdsa and not _is_ecdsa(child.signature, parent.coordinate)
    ):
        return False
    method = (ec.ECDSA(digest),) if is_ecdsa else (padding.PKCS1v15(), digest)
    try:
        parent.public_key().verify(child.signature, child.tbs, *method)
    except InvalidSignature:
        return False
    return True


def _is_ecdsa(signature: bytes, coordinate: int) -> bool:
    """Two numbers in DER, neither longer than a coordinate."""
    try:
        numbers = DerReader(DerReader(signature).only(SEQUENCE))
        found = numbers.natural(), numbers.natural()
        numbers.end()
    except ValueError:
        return False
    return all(number.bit_length() <= 8 * coordinate for number in found)


def verify_made(key: Any, algorithm: str, signature: bytes, data: bytes, *, what: str) -> None:
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
