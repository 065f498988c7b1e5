"""Whom to trust: root certificates, and bare public keys for signatures without a certificate.

Our own short walk along a chain: each certificate by the next, authorities marked as such and allowed to sign, path
lengths kept, no critical extension unknown to us, no weak digest. Dates count only where a time is given, as devices
have none that they could trust. There is no revocation.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ..errors import FormatError, PantavisorError, SignatureError
from . import pem
from .algorithms import algorithm_of
from .certificates import damage, read_der

MAX_CHAIN = 8
MAX_ROOTS = 64
DIGESTS = frozenset(["sha256", "sha384", "sha512"])
BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE = "2.5.29.19", "2.5.29.15", "2.5.29.37"
KNOWN_EXTENSIONS = frozenset([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE])
CODE_SIGNING, ANY_USAGE = "1.3.6.1.5.5.7.3.3", "2.5.29.37.0"


@dataclass(frozen=True)
class TrustStore:
    """Root certificates that chains must lead to, and keys that sign without a certificate."""

    roots: tuple[Any, ...] = ()
    keys: tuple[Any, ...] = ()

    @classmethod
    def load(cls, path: Path) -> TrustStore:
        """A PEM file of certificates, public keys, or both."""
        return cls.parse(pem.read(path), what=str(path))

    @classmethod
    def parse(cls, data: bytes, *, what: str = "trust store") -> TrustStore:
        keys = pem.parse_public_keys(data, what)
        roots = () if keys and b"BEGIN CERTIFICATE" not in data else pem.parse_chain(data, what)
        if len(roots) + len(keys) > MAX_ROOTS:
            raise FormatError(f"{what} holds more than {MAX_ROOTS} certificates and keys")
        return cls(roots, keys)

    def leaf(self, x5c: Sequence[bytes], *, what: str, at: Optional[datetime.datetime] = None) -> Any:
        """The leaf certificate of a chain that leads to a root. ``at`` None: dates are not checked, as on devices."""
        chain = _parse(x5c, what)
        _check_usage(chain, what)
        for depth, (child, parent) in enumerate(zip(chain, chain[1:])):
            if not _issued(child, parent, depth):
                raise SignatureError(f"{what}: its certificates do not form a chain")
        roots = self._roots_of(chain)
        if not roots:
            raise SignatureError(
                f"{what} is by {chain[0].subject.rfc4514_string()}, whom no trusted root vouches for",
                hint="trust the root that issued it (--trust), or sign again with a key of a trusted root",
            )
        # A renewed root stands beside its expired self, with the same name and key.
        root = next((root for root in roots if at is None or _is_valid(root, at)), roots[0])
        _check_dates((*chain, root), at, what)
        return chain[0]

    def _roots_of(self, chain: Sequence[Any]) -> list[Any]:
        return [root for root in self.roots if chain[-1] == root or _issued(chain[-1], root, len(chain) - 1)]


def trusted(roots: Optional[Path], public_keys: Optional[Path]) -> Optional[bytes]:
    """Root certificates of one PEM file and public keys of another as one text for ``TrustStore.parse``."""
    parts = [pem.read(roots)] if roots else []
    parts += [pem.public_keys_of(public_keys)] if public_keys else []
    return b"\n".join(parts) if parts else None


def _parse(x5c: Sequence[bytes], what: str) -> list[Any]:
    if not x5c:
        raise SignatureError(f"{what} carries no certificate", hint="sign with a certificate chain (x5c)")
    if len(x5c) > MAX_CHAIN:
        raise SignatureError(f"{what} carries more than {MAX_CHAIN} certificates")
    try:
        chain = [read_der(der) for der in x5c]
        unknown = [
            extension.oid.dotted_string
            for certificate in chain
            for extension in certificate.extensions
            if extension.critical and extension.oid.dotted_string not in KNOWN_EXTENSIONS
        ]
    except damage() as error:
        raise SignatureError(f"{what} carries a damaged certificate") from error
    if unknown:
        raise SignatureError(f"{what} carries a certificate with the unknown critical extension {unknown[0]}")
    return chain


def _check_usage(chain: Sequence[Any], what: str) -> None:
    usage = _extension(chain[0], KEY_USAGE)
    if usage is not None and not usage.digital_signature:
        raise SignatureError(f"{what}: its certificate is not for digital signatures")
    for certificate in chain:
        extended = _extension(certificate, EXTENDED_KEY_USAGE)
        if extended is not None and not {CODE_SIGNING, ANY_USAGE} & {oid.dotted_string for oid in extended}:
            raise SignatureError(f"{what}: its certificate is not for code signing")


def _check_dates(chain: Sequence[Any], at: Optional[datetime.datetime], what: str) -> None:
    if at is None:
        return
    for certificate in chain:
        if not _is_valid(certificate, at):
            raise SignatureError(
                f"{what}: the certificate of {certificate.subject.rfc4514_string()} is valid from "
                f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d} only"
            )


def _is_valid(certificate: Any, at: datetime.datetime) -> bool:
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return bool(certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc)


def _issued(child: Any, parent: Any, authorities_below: int) -> bool:
    """Whether ``parent`` may have issued ``child`` and did; ``authorities_below`` lie between it and the leaf."""
    from cryptography.exceptions import InvalidSignature

    try:
        constraints, usage = _extension(parent, BASIC_CONSTRAINTS), _extension(parent, KEY_USAGE)
        if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
            return False
        if constraints.path_length is not None and authorities_below > constraints.path_length:
            return False
        if child.signature_hash_algorithm is None or child.signature_hash_algorithm.name not in DIGESTS:
            return False
        algorithm_of(parent.public_key())
        child.verify_directly_issued_by(parent)
    except (InvalidSignature, PantavisorError):
        return False
    except damage():
        return False
    return True


def _extension(certificate: Any, oid: str) -> Any:
    for extension in certificate.extensions:
        if extension.oid.dotted_string == oid:
            return extension.value
    return None
