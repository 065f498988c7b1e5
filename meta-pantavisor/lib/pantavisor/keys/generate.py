# SPDX-License-Identifier: MIT
"""A certificate authority and a signing key of one's own."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any, Optional

from .. import atomic, names
from ..errors import FormatError, PantavisorError
from ..pvs import ALGORITHMS
from .algorithms import CURVES

RSA_BITS = 3072
MAX_NAME_CHARS = 60  # X.509 allows 64, and " CA" is added
MAX_DAYS = 100 * 365
DAYS = 20 * 365  # a device may stay in a cupboard for years


def generate(
    directory: Path,
    *,
    common_name: str,
    algorithm: str = "RS256",
    days: int = DAYS,
    start: Optional[datetime.datetime] = None,
) -> None:
    """Make ca.key.pem, ca.crt, key.pem and x5c.pem in a new ``directory``; all of it or nothing.

    ``start`` is when the certificates begin to be valid, now by default. Raises PantavisorError if the
    directory exists, or someone else makes it at the same moment: keys are never overwritten.
    """
    _check(directory, common_name, algorithm, days)
    start = start or datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    authority = f"{common_name} CA"
    root_key, leaf_key = _new_key(algorithm), _new_key(algorithm)
    root = _certificate(authority, root_key, authority, root_key, start, days, is_authority=True)
    leaf = _certificate(common_name, leaf_key, authority, root_key, start, days, is_authority=False)
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        with atomic.new_directory(directory) as folder:
            folder.chmod(0o700)
            # The public half first: a folder that holds x5c.pem and key.pem is never added to a state, and
            # a killed command must not leave one that is. The folder itself appears whole or not at all.
            _write_new(folder / "x5c.pem", _pem(leaf), mode=0o644)
            _write_new(folder / "ca.crt", _pem(root), mode=0o644)
            _write_key(folder / "key.pem", leaf_key)
            _write_key(folder / "ca.key.pem", root_key)
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
        f"{directory} exists already", hint="keys are never overwritten; name another directory"
    )


def _new_key(algorithm: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    curve = getattr(ec, CURVES[algorithm][0].upper())
    return ec.generate_private_key(curve())


def _certificate(
    subject: str,
    key: Any,
    issuer: str,
    issuer_key: Any,
    start: datetime.datetime,
    days: int,
    *,
    is_authority: bool,
) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> Any:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if not is_authority:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(is_authority: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: Any) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    _write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb"
    ) as stream:
        stream.write(data)
        stream.flush()
        os.fchmod(stream.fileno(), mode)  # whatever the umask says
        os.fsync(stream.fileno())


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.PEM))
