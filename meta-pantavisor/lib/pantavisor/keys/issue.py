# SPDX-License-Identifier: MIT
"""Certificates, issued in the one profile that devices read."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ..errors import FormatError
from . import der, pem, publickey
from .der import (
    BIT_STRING,
    BOOLEAN,
    CONTEXT,
    GENERALIZED_TIME,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    UTC_TIME,
    UTF8_STRING,
)
from .engine import PrivateKey
from .publickey import PublicKey

MAX_NAME_CHARS = 60  # X.509 allows 64, and " CA" is added
MAX_DAYS = 100 * 365
DAYS = 20 * 365  # a device may stay in a cupboard for years
_COMMON_NAME = der.value(OID, b"\x55\x04\x03")


def check_terms(common_name: str, days: int) -> None:
    """Raise FormatError for what no certificate states."""
    if not 0 < len(common_name) <= MAX_NAME_CHARS or not common_name.isprintable():
        raise FormatError(
            f"the name in a certificate has 1 to {MAX_NAME_CHARS} printable characters",
            hint="use another --common-name",
        )
    if not 0 < days <= MAX_DAYS:
        raise FormatError(
            f"certificates are valid for 1 to {MAX_DAYS} days", hint="use another number for --days"
        )


def certify(
    public: Path,
    authority: Path,
    *,
    common_name: str,
    days: int = DAYS,
    start: Optional[datetime.datetime] = None,
) -> bytes:
    """The certificate (DER) of the one public key in the PEM file ``public``, by the ca.key.pem and ca.crt
    in the directory ``authority``. Raises FormatError.
    """
    check_terms(common_name, days)
    found = pem.parse_public_keys(pem.public_keys_of(public), str(public))
    if len(found) != 1:
        raise FormatError(f"{public} holds {len(found)} public keys", hint="name a file with one of them")
    root = pem.load_chain(authority / "ca.crt")[0]
    key = pem.load_private_key(authority / "ca.key.pem")
    if root.key.info != key.info or not root.is_authority:
        raise FormatError(
            f"{authority}/ca.key.pem is not the key of the authority in {authority}/ca.crt",
            hint="name the directory that pvr keys generate made",
        )
    now = start or datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    subject = Subject.of(common_name, found[0])
    return certificate(subject, Subject(root.subject, root.key), key, now, days)


@dataclass(frozen=True)
class Subject:
    """Whose certificate it is."""

    name: bytes  # in DER
    key: PublicKey

    @classmethod
    def of(cls, name: str, key: PublicKey) -> Subject:
        """One that has nothing but a common name."""
        pair = der.value(SEQUENCE, _COMMON_NAME, der.value(UTF8_STRING, name.encode()))
        return cls(der.value(SEQUENCE, der.value(SET, pair)), key)

    def identifier(self) -> bytes:
        """SHA-1 of the key's bits (RFC 5280, 4.2.1.2): it only names a key."""
        fields = der.DerReader(der.DerReader(self.key.info).only(SEQUENCE))
        fields.whole(SEQUENCE)
        return hashlib.sha1(fields.bits(), usedforsecurity=False).digest()


def certificate(
    subject: Subject, issuer: Subject, issuer_key: PrivateKey, start: datetime.datetime, days: int
) -> bytes:
    """A certificate in DER, of an authority where it is by itself."""
    is_rsa = publickey.is_rsa(issuer.key.algorithm)
    method = bytes.fromhex("300d06092a864886f70d01010b0500" if is_rsa else "300a06082a8648ce3d040302")
    tbs = der.value(
        SEQUENCE,
        der.value(CONTEXT, der.number(2)),
        # Positive, and of at most 20 bytes.
        der.number(secrets.randbits(158) | 1 << 157),
        method,
        issuer.name,
        der.value(SEQUENCE, _time(start), _time(start + datetime.timedelta(days=days))),
        subject.name,
        subject.key.info,
        der.value(CONTEXT + 3, der.value(SEQUENCE, *_extensions(subject, issuer))),
    )
    made = issuer_key.sign("sha256", hashlib.sha256(tbs).digest())
    return der.value(SEQUENCE, tbs, method, der.bit_string(made))


def _extensions(subject: Subject, issuer: Subject) -> Iterator[bytes]:
    is_authority = subject is issuer
    constraints = [der.value(BOOLEAN, b"\xff")] if is_authority else []
    yield _extension("551d13", der.value(SEQUENCE, *constraints), critical=True)
    # keyCertSign and cRLSign, or digitalSignature.
    usage = b"\x01\x06" if is_authority else b"\x07\x80"
    yield _extension("551d0f", der.value(BIT_STRING, usage), critical=True)
    yield _extension("551d0e", der.value(OCTET_STRING, subject.identifier()))
    yield _extension("551d23", der.value(SEQUENCE, der.value(0x80, issuer.identifier())))
    if not is_authority:
        code_signing = der.value(OID, bytes.fromhex("2b06010505070303"))
        yield _extension("551d25", der.value(SEQUENCE, code_signing))


def _extension(kind: str, content: bytes, *, critical: bool = False) -> bytes:
    flag = [der.value(BOOLEAN, b"\xff")] if critical else []
    return der.value(SEQUENCE, der.value(OID, bytes.fromhex(kind)), *flag, der.value(OCTET_STRING, content))


def _time(when: datetime.datetime) -> bytes:
    utc = when.astimezone(datetime.timezone.utc)
    is_short = 1950 <= utc.year < 2050
    text = utc.strftime("%y%m%d%H%M%SZ" if is_short else "%Y%m%d%H%M%SZ").encode()
    return der.value(UTC_TIME if is_short else GENERALIZED_TIME, text)
