# SPDX-License-Identifier: MIT
"""X.509 certificates in the one profile that devices read (docs/formats/signature.md), as
``certificate.c`` of the runtime.

DER to the last byte, version 3 (or 1 without extensions), keys and digests by table, no extension that is
critical and unknown. The library's own reading of certificates differs from version to version, and from
that of devices; here both are made alike.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import FormatError
from . import publickey
from .der import (
    BIT_STRING,
    CONTEXT,
    GENERALIZED_TIME,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    UTC_TIME,
    DerReader,
)
from .publickey import PublicKey

MAX_BYTES = 12 * 1024
MAX_SERIAL_BITS = 160
MAX_EXTENSIONS = 32
MAX_NAME_BYTES = 128
MAX_PATH_LENGTH = 255
_TEXTS = (0x0C, 0x13, 0x16)  # UTF8String, PrintableString, IA5String
# AlgorithmIdentifier -> digest, whether it is ECDSA.
_SIGNED_WITH = {
    **{
        bytes.fromhex(f"300d06092a864886f70d01010{n}0500"): (f"sha{n2}", False)
        for n, n2 in zip("bcd", (256, 384, 512))
    },
    **{
        bytes.fromhex(f"300a06082a8648ce3d04030{n}"): (f"sha{n2}", True)
        for n, n2 in zip("234", (256, 384, 512))
    },
}
_CONSTRAINTS, _USAGE, _EXTENDED = b"\x55\x1d\x13", b"\x55\x1d\x0f", b"\x55\x1d\x25"
_CODE_SIGNING = frozenset([bytes.fromhex("2b06010505070303"), b"\x55\x1d\x25\x00"])  # or any usage
DIGITAL_SIGNATURE, KEY_CERT_SIGN = 0x80, 0x04


@dataclass(frozen=True)
class Certificate:
    """What a certificate states, checked for form. ``usage`` and ``signs_code`` are None where it states
    nothing.
    """

    der: bytes
    tbs: bytes
    issuer: bytes
    subject: bytes
    start: datetime.datetime
    end: datetime.datetime
    key: PublicKey
    signed_with: Optional[tuple[str, bool]]  # None: not allowed
    signature: bytes
    is_authority: bool = False
    path_length: Optional[int] = None
    usage: Optional[int] = None
    signs_code: Optional[bool] = None


def read(der: bytes) -> Certificate:
    """Raises FormatError, which names what is outside the profile."""
    if len(der) > MAX_BYTES:
        raise FormatError(f"it has more than {MAX_BYTES} bytes")
    try:
        parts = DerReader(_only(der, SEQUENCE))
        tbs, algorithm, signature = parts.whole(SEQUENCE), parts.whole(SEQUENCE), parts.bits()
        parts.end()
        certificate = _read_tbs(der, tbs, algorithm, signature)
    except ValueError as error:
        raise FormatError(f"it is not DER as devices read it: {error}") from error
    return certificate


def common_name(certificate: Certificate) -> str:
    """The common name of the subject; "" if it has not exactly one, in printable ASCII."""
    found = [(tag, text) for kind, tag, text in attributes(certificate.subject) if kind == b"\x55\x04\x03"]
    if len(found) != 1 or found[0][0] not in _TEXTS or len(found[0][1]) >= MAX_NAME_BYTES:
        return ""
    text = found[0][1].decode("latin-1")
    return text if text.isascii() and text.isprintable() else ""


def _only(data: bytes, tag: int) -> bytes:
    return DerReader(data).only(tag)


def _read_tbs(der: bytes, tbs: bytes, algorithm: bytes, signature: bytes) -> Certificate:
    fields = DerReader(_only(tbs, SEQUENCE))
    may_extend = _version(fields)
    if fields.natural().bit_length() > MAX_SERIAL_BITS:
        raise ValueError("its serial number is too long")
    if fields.whole(SEQUENCE) != algorithm:
        raise ValueError("it names two algorithms for its signature")
    issuer = fields.whole(SEQUENCE)
    times = DerReader(fields.content(SEQUENCE))
    start, end = _time(times), _time(times)
    times.end()
    subject, key_info = fields.whole(SEQUENCE), fields.whole(SEQUENCE)
    for name in (issuer, subject):
        attributes(name)
    if not may_extend:
        fields.end()
    known = _extensions(fields)
    signed_with = _SIGNED_WITH.get(algorithm)
    return Certificate(
        der,
        tbs,
        issuer,
        subject,
        start,
        end,
        publickey.parse(key_info),
        signed_with,
        signature,
        **known,
    )


def _version(fields: DerReader) -> bool:
    """Whether there may be extensions. The first version, which is absent, has none; openssl makes it where
    none are asked for.
    """
    if fields.peek() != CONTEXT:
        return False
    version = DerReader(fields.content(CONTEXT))
    if version.natural() != 2 or version:
        raise ValueError("it is not of version 3 or 1")
    return True


def attributes(name: bytes) -> list[tuple[bytes, int, bytes]]:
    """Types with the kind of their text, and the text: sets of one each."""
    found, sets = [], DerReader(_only(name, SEQUENCE))
    while sets:
        pair = DerReader(_only(sets.content(SET), SEQUENCE))
        kind = pair.content(OID)
        tag = pair.peek() or 0
        found.append((kind, tag, pair.only(tag)))
    return found


def _time(times: DerReader) -> datetime.datetime:
    is_short = times.peek() == UTC_TIME
    text = times.content(UTC_TIME if is_short else GENERALIZED_TIME)
    if len(text) != (13 if is_short else 15) or text[-1:] != b"Z" or not text[:-1].isdigit():
        raise ValueError("a date is not in its canonical form")
    digits = text[:-1].decode()
    if is_short:
        digits = ("20" if digits[:2] < "50" else "19") + digits
    return datetime.datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=datetime.timezone.utc)


def _extensions(fields: DerReader) -> dict[str, Any]:
    if not fields:
        return {}
    extensions = DerReader(_only(fields.only(CONTEXT + 3), SEQUENCE))
    known: dict[str, Any] = {}
    seen: set[bytes] = set()
    if not extensions:
        raise ValueError("an empty list of extensions")
    while extensions:
        members = DerReader(extensions.content(SEQUENCE))
        kind, critical, value = members.content(OID), members.flag(), members.only(OCTET_STRING)
        if kind in seen or len(seen) == MAX_EXTENSIONS:
            raise ValueError("an extension is listed twice, or there are too many")
        seen.add(kind)
        if kind in _READERS:
            known.update(_READERS[kind](value))
        elif critical:
            raise ValueError("an unknown critical extension")
    return known


def _constraints(value: bytes) -> dict[str, Any]:
    members = DerReader(_only(value, SEQUENCE))
    is_authority, length = members.flag(), None
    if members:
        length = members.natural()
        members.end()
        if not is_authority or length > MAX_PATH_LENGTH:
            raise ValueError("a path length that is too large, or not an authority's")
    return {"is_authority": is_authority, "path_length": length}


def _usage(value: bytes) -> dict[str, Any]:
    bits = _only(value, BIT_STRING)
    if not 2 <= len(bits) <= 3 or bits[0] > 7 or bits[-1] & ((1 << bits[0]) - 1):
        raise ValueError("a key usage that is not valid")
    return {"usage": bits[1]}


def _extended(value: bytes) -> dict[str, Any]:
    purposes, found = DerReader(_only(value, SEQUENCE)), set()
    while purposes:
        found.add(purposes.content(OID))
    if not found or b"" in found:
        raise ValueError("an extended key usage that is not valid")
    return {"signs_code": bool(found & _CODE_SIGNING)}


_READERS = {_CONSTRAINTS: _constraints, _USAGE: _usage, _EXTENDED: _extended}
