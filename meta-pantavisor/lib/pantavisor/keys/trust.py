# SPDX-License-Identifier: MIT
"""Whom to trust: root certificates, and bare public keys for signatures without a certificate.

A short walk along a chain, as the runtime's ``trust.c`` does it: each certificate by the next, authorities
marked as such and allowed to sign, path lengths kept, no weak digest (docs/formats/signature.md). Dates
count only where a time is given, as devices have none that they could trust. There is no revocation.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..errors import FormatError, SignatureError
from ..pvs import Identity, Signature
from . import pem, x509
from .algorithms import verify_made_by
from .certificates import shown_subject
from .publickey import PublicKey
from .x509 import Certificate

MAX_CHAIN = 8
MAX_ROOTS = 256


@dataclass(frozen=True)
class TrustStore:
    """Root certificates that chains must lead to, and keys that sign without a certificate."""

    roots: tuple[Certificate, ...] = ()
    keys: tuple[PublicKey, ...] = ()

    @classmethod
    def load(cls, path: Path) -> TrustStore:
        """A PEM file of certificates, public keys, or both."""
        return cls.parse(pem.read(path), what=str(path))

    @classmethod
    def parse(cls, data: bytes, *, what: str = "trust store") -> TrustStore:
        """Raises FormatError."""
        keys = pem.parse_public_keys(data, what)
        bare = keys and b"BEGIN CERTIFICATE" not in data
        roots = () if bare else pem.parse_chain(data, what)
        if len(roots) + len(keys) > MAX_ROOTS:
            raise FormatError(f"{what} holds more than {MAX_ROOTS} certificates and keys")
        return cls(roots, keys)

    def warnings(self, what: str) -> Iterator[str]:
        """Of devices that would trust the certificates of signers alone, and so no other signer ever."""
        if self.roots and not any(root.is_authority for root in self.roots):
            names = ", ".join(shown_subject(root.der) for root in self.roots)
            yield (
                f"{what} has no root, but the certificate of {names}: a device that is built with it takes "
                "no update by another key; name the root, ca.crt, unless that is meant"
            )

    def leaf(
        self, x5c: Sequence[bytes], *, what: str, at: Optional[datetime.datetime] = None
    ) -> Certificate:
        """The leaf certificate of a chain that leads to a root. ``at`` None: dates are not checked, as on
        devices.

        Raises SignatureError.
        """
        chain = _parse(x5c, what)
        _check_usage(chain, what)
        for depth, (child, parent) in enumerate(zip(chain, chain[1:])):
            if not _issued(child, parent, depth):
                raise SignatureError(f"{what}: its certificates do not form a chain")
        roots = self._roots_of(chain)
        if not roots:
            raise SignatureError(
                f"{what} is by {shown_subject(chain[0].der)}, which no trusted root certifies",
                hint="trust the root that issued it (--trust), or sign again with a key of a trusted root",
            )
        # A renewed root may be listed next to its expired self, with the same name and key.
        root = next((root for root in roots if at is None or _is_valid(root, at)), roots[0])
        _check_dates((*chain, root), at, what)
        return chain[0]

    def identity(self, x5c: Sequence[bytes]) -> Identity:
        """Whose a chain is that ``leaf`` has taken; of a bare key nothing is known.
        Raises SignatureError.
        """
        if not x5c:
            return Identity()
        chain = _parse(x5c, "chain")
        path = [*chain, *self._roots_of(chain)]
        return Identity(
            x509.common_name(chain[0]),
            frozenset(hashlib.sha256(certificate.der).hexdigest() for certificate in path),
        )

    def _roots_of(self, chain: Sequence[Certificate]) -> list[Certificate]:
        last, below = chain[-1], len(chain) - 1
        return [root for root in self.roots if last.der == root.der or _issued(last, root, below)]


def trusted(roots: Optional[Path], public_keys: Optional[Path]) -> Optional[bytes]:
    """Root certificates of a PEM file, or of those in a folder, and public keys of another as one text for
    ``TrustStore.parse``.

    Raises FormatError.
    """
    parts = [pem.read(path) for path in _files(roots)] if roots else []
    if roots and not any(b"-----BEGIN CERTIFICATE-----" in part for part in parts):
        raise FormatError(
            f"{roots} holds no certificate in PEM form",
            hint="use a root, such as the ca.crt of pvr keys generate",
        )
    parts += [pem.public_keys_of(public_keys)] if public_keys else []
    return b"\n".join(parts) if parts else None


def own_root(signature: Signature) -> bytes:
    """The end of the chain that a signature carries, as PEM: proves that the signature matches, not who
    made it.
    """
    return pem.as_pem(signature.x5c[-1] if signature.x5c else b"")


def _files(roots: Path) -> list[Path]:
    """``roots`` itself, or the PEM files in that folder."""
    if not roots.is_dir():
        return [roots]
    found = sorted(path for path in roots.iterdir() if path.suffix in (".pem", ".crt") and path.is_file())
    if not found:
        raise FormatError(f"{roots} holds no file .pem or .crt", hint="name a file of root certificates")
    return found


def _parse(x5c: Sequence[bytes], what: str) -> list[Certificate]:
    if not x5c:
        raise SignatureError(f"{what} carries no certificate", hint="sign with a certificate chain (x5c)")
    if len(x5c) > MAX_CHAIN:
        raise SignatureError(f"{what} carries more than {MAX_CHAIN} certificates")
    try:
        return [x509.read(der) for der in x5c]
    except FormatError as error:
        raise SignatureError(f"{what} carries a damaged certificate: {error.message}") from error


def _check_usage(chain: Sequence[Certificate], what: str) -> None:
    usage = chain[0].usage
    if usage is not None and not usage & x509.DIGITAL_SIGNATURE:
        raise SignatureError(f"{what}: its certificate is not for digital signatures")
    if any(certificate.signs_code is False for certificate in chain):
        raise SignatureError(f"{what}: its certificate is not for code signing")


def _check_dates(chain: Sequence[Certificate], at: Optional[datetime.datetime], what: str) -> None:
    if at is None:
        return
    for certificate in chain:
        if not _is_valid(certificate, at):
            raise SignatureError(
                f"{what}: the certificate of {shown_subject(certificate.der)} is valid from "
                f"{certificate.start:%Y-%m-%d} to {certificate.end:%Y-%m-%d} only"
            )


def _is_valid(certificate: Certificate, at: datetime.datetime) -> bool:
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return certificate.start <= at <= certificate.end


def _issued(child: Certificate, parent: Certificate, authorities_below: int) -> bool:
    """Whether ``parent`` may have issued ``child`` and did; ``authorities_below`` lie between it and the
    leaf.
    """
    if not parent.is_authority or (parent.usage is not None and not parent.usage & x509.KEY_CERT_SIGN):
        return False
    if parent.path_length is not None and authorities_below > parent.path_length:
        return False
    return child.issuer == parent.subject and verify_made_by(parent, child)
