# SPDX-License-Identifier: MIT
"""Certificates from outside. The library reads most of their parts only when asked, so a damaged one may
raise late.
"""

from __future__ import annotations

import warnings
from typing import Any

from ..errors import FormatError


def damage() -> tuple[type[Exception], ...]:
    """What the library raises for a certificate or key that it cannot read: that differs from release to
    release, and among it were KeyErrors, so anything it raises counts.
    """
    return (Exception,)


def read_der(der: bytes) -> Any:
    """A certificate all of whose parts can be read. Raises one of damage()."""
    from cryptography import x509

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd serial numbers are nothing that the user can mend
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.public_key(), certificate.extensions, certificate.signature_hash_algorithm
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        for name in (certificate.subject, certificate.issuer):
            name.rfc4514_string()
    return certificate


def subject_of(der: bytes, *, what: str) -> str:
    """Whose certificate it is; FormatError for a damaged one."""
    try:
        return str(read_der(der).subject.rfc4514_string())
    except damage() as error:
        raise FormatError(f"{what} carries a damaged certificate") from error


def shown_subject(der: bytes) -> str:
    """Whose certificate it is, for a sentence, whatever the library makes of it."""
    from cryptography import x509

    try:
        return str(x509.load_der_x509_certificate(der).subject.rfc4514_string())
    except damage():
        return "a name that cannot be read"
