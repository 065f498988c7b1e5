# SPDX-License-Identifier: MIT
"""A certificate authority and a signing key of one's own."""

from __future__ import annotations

import datetime
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .. import atomic, names
from ..errors import FormatError, PantavisorError
from ..pvs import ALGORITHMS
from . import der, publickey
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
from .engine import PrivateKey, engine
from .pem import as_pem
from .publickey import PublicKey

RSA_BITS = 3072
MAX_NAME_CHARS = 60  # X.509 allows 64, and " CA" is added
MAX_DAYS = 100 * 365
_COMMON_NAME = der.value(OID, b"\x55\x04\x03")
DAYS = 20 * 365  # a device may stay in a cupboard for years


def generate(
    directory: Path,
    *,
    common_name: str,
    algorithm: str = publickey.RS256,
    days: int = DAYS,
    start: Optional[datetime.datetime] = None,
) -> None:
    """Make ca.key.pem, ca.crt, key.pem and x5c.pem in a new ``directory``; all of it or nothing.

    ``start`` is when the certificates begin to be valid, now by default, and ``days`` how long they are.
    Raises PantavisorError if the directory exists, or someone else makes it at the same moment: keys are
    never overwritten.
    """
    _check(directory, common_name, algorithm, days)
    start = start or datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    authority = f"{common_name} CA"
    (root_text, root_key), (leaf_text, leaf_key) = _new_key(algorithm), _new_key(algorithm)
    root, leaf = _Subject.of(authority, root_key), _Subject.of(common_name, leaf_key)
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        with atomic.new_directory(directory) as folder:
            folder.chmod(0o700)
            # The public half first: a folder that holds x5c.pem and key.pem is never added to a state, and
            # a killed command must not leave one that is. The folder itself appears whole or not at all.
            _write_new(
                folder / "x5c.pem", as_pem(_certificate(leaf, root, root_key, start, days)), mode=0o644
            )
            _write_new(
                folder / "ca.crt", as_pem(_certificate(root, root, root_key, start, days)), mode=0o644
            )
            _write_new(folder / "key.pem", leaf_text, mode=0o600)
            _write_new(folder / "ca.key.pem", root_text, mode=0o600)
    except OSError:
        # Parsers of one build may race for it: where another made the directory meanwhile, that one stays
        # and ours is removed.
        if not (directory / "x5c.pem").exists():
            raise
        raise _exists(directory) from None


def _check(directory: Path, common_name: str, algorithm: str, days: int) -> None:
    if directory.exists():
        raise _exists(directory)
    if algorithm not in ALGORITHMS:
        raise names.unknown(algorithm, ALGORITHMS, what="algorithm")
    if not 0 < len(common_name) <= MAX_NAME_CHARS or not common_name.isprintable():
        raise FormatError(f"the name in a certificate has 1 to {MAX_NAME_CHARS} printable characters")
    if not 0 < days <= MAX_DAYS:
        raise FormatError(f"certificates are valid for 1 to {MAX_DAYS} days")


def _exists(directory: Path) -> PantavisorError:
    return PantavisorError(
        f"{directory} exists already", hint="name another directory: keys are never overwritten"
    )


def _new_key(algorithm: str) -> tuple[bytes, PrivateKey]:
    """In PEM, and to be used."""
    text = engine().make(algorithm, RSA_BITS)
    return text, engine().load(text)


@dataclass(frozen=True)
class _Subject:
    """Whose certificate it is."""

    name: str
    key: PublicKey

    @classmethod
    def of(cls, name: str, key: PrivateKey) -> _Subject:
        return cls(name, publickey.parse(key.info))

    def named(self) -> bytes:
        pair = der.value(SEQUENCE, _COMMON_NAME, der.value(UTF8_STRING, self.name.encode()))
        return der.value(SEQUENCE, der.value(SET, pair))

    def identifier(self) -> bytes:
        """SHA-1 of the key's bits (RFC 5280, 4.2.1.2): it only names a key."""
        fields = der.DerReader(der.DerReader(self.key.info).only(SEQUENCE))
        fields.whole(SEQUENCE)
        return hashlib.sha1(fields.bits(), usedforsecurity=False).digest()


def _certificate(
    subject: _Subject, issuer: _Subject, issuer_key: PrivateKey, start: datetime.datetime, days: int
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
        issuer.named(),
        der.value(SEQUENCE, _time(start), _time(start + datetime.timedelta(days=days))),
        subject.named(),
        subject.key.info,
        der.value(CONTEXT + 3, der.value(SEQUENCE, *_extensions(subject, issuer))),
    )
    made = issuer_key.sign("sha256", hashlib.sha256(tbs).digest())
    return der.value(SEQUENCE, tbs, method, der.bit_string(made))


def _extensions(subject: _Subject, issuer: _Subject) -> Iterator[bytes]:
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


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb"
    ) as stream:
        stream.write(data)
        stream.flush()
        os.fchmod(stream.fileno(), mode)  # whatever the umask is
        os.fsync(stream.fileno())
