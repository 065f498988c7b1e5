"""Certificates from outside. The library reads most of their parts only when asked, so a damaged one may raise late."""

from __future__ import annotations

from typing import Any

from ..errors import FormatError


def damage() -> tuple[type[Exception], ...]:
    """What the library raises for a certificate or key that it cannot read; not all of these are ValueErrors."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    late = (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm)
    return (ValueError, TypeError, *late)


def read_der(der: bytes) -> Any:
    """A certificate all of whose parts can be read. Raises one of damage()."""
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(der)
    _ = certificate.public_key(), certificate.extensions, certificate.signature_hash_algorithm
    for name in (certificate.subject, certificate.issuer):
        name.rfc4514_string()
    return certificate


def key_of(certificate: Any, *, what: str) -> Any:
    """The public key; FormatError for one that cannot be read."""
    try:
        return certificate.public_key()
    except damage() as error:
        raise FormatError(f"{what} holds a key that cannot be read") from error


def subject_of(der: bytes, *, what: str) -> str:
    """Whose certificate it is; FormatError for a damaged one."""
    try:
        return str(read_der(der).subject.rfc4514_string())
    except damage() as error:
        raise FormatError(f"{what} carries a damaged certificate") from error
