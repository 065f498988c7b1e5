"""Keys: signing states and trusting signatures. The only module that imports ``cryptography``, and only when called.

RS256 is PKCS#1 v1.5 with SHA-256; ES256 and ES384 are deterministic ECDSA (RFC 6979) with the raw r||s that JWS asks
for. All of them give the same signature for the same state.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Protocol

from . import atomic, pvs
from .errors import FormatError, NotFound, PantavisorError, SignatureError
from .pvs import Coverage, Selection, Signature
from .state import State

CURVES = {"ES256": ("secp256r1", 32), "ES384": ("secp384r1", 48)}
MIN_RSA_BITS = 2048
RSA_BITS = 3072
MAX_CHAIN = 8
MAX_PEM_BYTES = 1024 * 1024


class Signer(Protocol):
    """Whatever can sign: a key file, a token, a command."""

    algorithm: str
    x5c: tuple[bytes, ...]

    def sign(self, data: bytes) -> bytes:
        """The raw JWS signature of ``data``."""


@dataclass(frozen=True)
class PemSigner:
    """A private key from a PEM file. The key never shows in a repr or an error."""

    algorithm: str
    x5c: tuple[bytes, ...]
    _key: Any = field(repr=False)

    @classmethod
    def load(cls, key_path: Path, chain_path: Optional[Path]) -> PemSigner:
        """Read key and chain (leaf first), and see that they belong together."""
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(_read_pem(key_path), password=None)
        except (ValueError, TypeError) as error:
            # The library's text may quote the input.
            raise FormatError(f"{key_path} holds no unencrypted private key in PEM form") from error
        chain = _load_chain(chain_path) if chain_path else ()
        if chain and chain[0].public_key() != key.public_key():
            raise FormatError(f"{key_path} is not the key of the first certificate in {chain_path}")
        return cls(_algorithm(key.public_key()), tuple(_der(certificate) for certificate in chain), key)

    def sign(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        if self.algorithm == "RS256":
            return bytes(self._key.sign(data, padding.PKCS1v15(), hashes.SHA256()))
        size = CURVES[self.algorithm][1]
        der = self._key.sign(data, ec.ECDSA(_hash(self.algorithm), deterministic_signing=True))
        return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(der))


def sign_state(state: State, name: str, selection: Selection, signer: Signer) -> State:
    """The state with ``_sigs/<name>.json`` made anew."""
    protected = pvs.protected_header(selection, algorithm=signer.algorithm, x5c=signer.x5c)
    signature = signer.sign(pvs.signing_input(state, selection, protected))
    return state.with_files({f"_sigs/{name}.json": pvs.signature_json(protected, signature)})


@dataclass(frozen=True)
class TrustStore:
    """Root certificates that signatures must lead to."""

    roots: tuple[Any, ...]

    @classmethod
    def load(cls, path: Path) -> TrustStore:
        return cls(_load_chain(path))

    @classmethod
    def parse(cls, pem: bytes) -> TrustStore:
        return cls(_parse_chain(pem, "trust store"))

    def leaf(self, x5c: Sequence[bytes], *, what: str, at: Optional[datetime.datetime] = None) -> Any:
        """The leaf certificate of a chain that leads to a root. ``at`` None: dates are not checked, as on devices."""
        from cryptography import x509

        if not x5c:
            raise SignatureError(f"{what} carries no certificate", hint="sign with a certificate chain (x5c)")
        if len(x5c) > MAX_CHAIN:
            raise SignatureError(f"{what} carries more than {MAX_CHAIN} certificates")
        try:
            chain = [x509.load_der_x509_certificate(der) for der in x5c]
        except ValueError as error:
            raise SignatureError(f"{what} carries a damaged certificate") from error
        _check_dates(chain, at, what)
        _check_links(chain, what)
        if not any(_issued(chain[-1], root) or chain[-1] == root for root in self.roots):
            raise SignatureError(
                f"{what} is by {chain[0].subject.rfc4514_string()}, whom no trusted root vouches for",
                hint="trust the root that issued it (--trust), or sign again with a key of a trusted root",
            )
        return chain[0]


def verify_signature(signature: Signature, state: State, trust: TrustStore, *, at: Optional[datetime.datetime] = None) -> None:
    """Raise SignatureError unless the signature is true and by someone trusted."""
    what = f"signature {signature.name}"
    leaf = trust.leaf(signature.x5c, what=what, at=at)
    _check_usage(leaf, what)
    _verify_bytes(leaf.public_key(), signature, signature.signing_input(state), what)


def verify_state(
    state: State, trust: TrustStore, *, strict: bool, at: Optional[datetime.datetime] = None
) -> Coverage:
    """Check every signature; with ``strict`` every path must be seen by one. Returns what is covered."""
    found = pvs.signatures(state)
    for signature in found:
        verify_signature(signature, state, trust, at=at)
    result = pvs.coverage(state, found)
    return pvs.require_full(result) if strict else result


def resign(state: State, signer: Signer) -> State:
    """Every signature made anew over the same selection, after a change of keys."""
    for signature in pvs.signatures(state):
        name = signature.name.partition("/")[2].rpartition(".json")[0]
        state = sign_state(state, name, signature.selection, signer)
    return state


def generate(directory: Path, *, common_name: str, algorithm: str, days: int) -> None:
    """Make ca.key.pem, ca.crt, key.pem and x5c.pem in a new ``directory``; all of it or nothing."""
    if directory.exists():
        raise PantavisorError(f"{directory} exists already", hint="keys are never overwritten; name another directory")
    directory.parent.mkdir(parents=True, exist_ok=True)
    root_key, leaf_key = _new_key(algorithm), _new_key(algorithm)
    root = _certificate(f"{common_name} CA", root_key, f"{common_name} CA", root_key, days, authority=True)
    leaf = _certificate(common_name, leaf_key, f"{common_name} CA", root_key, days, authority=False)
    try:
        with atomic.new_directory(directory) as folder:
            folder.chmod(0o700)
            _write_key(folder / "ca.key.pem", root_key)
            _write_key(folder / "key.pem", leaf_key)
            atomic.write(folder / "ca.crt", _pem(root))
            atomic.write(folder / "x5c.pem", _pem(leaf))
    except OSError:
        # Someone else made the directory meanwhile: theirs stays, ours is gone.
        if not (directory / "x5c.pem").exists():
            raise


def _new_key(algorithm: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return ec.generate_private_key({"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}[algorithm]())


def _certificate(subject: str, key: Any, issuer: str, issuer_key: Any, days: int, *, authority: bool) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> Any:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    start = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_key_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(authority: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: Any) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    atomic.write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.PEM))


def _der(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.DER))


def _read_pem(path: Path) -> bytes:
    if not path.is_file():
        raise NotFound(f"{path} does not exist", hint=f"make keys by: pvr keys generate {path.parent or os.curdir}")
    if path.stat().st_size > MAX_PEM_BYTES:
        raise FormatError(f"{path} is larger than a PEM file of {MAX_PEM_BYTES} bytes")
    return path.read_bytes()


def _load_chain(path: Path) -> tuple[Any, ...]:
    return _parse_chain(_read_pem(path), str(path))


def _parse_chain(pem: bytes, what: str) -> tuple[Any, ...]:
    from cryptography import x509

    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise FormatError(f"{what} holds no certificate in PEM form") from error


def _algorithm(key: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return "RS256"
    if isinstance(key, ec.EllipticCurvePublicKey):
        for name, (curve, _) in CURVES.items():
            if key.curve.name == curve:
                return name
    raise FormatError(
        "the key is of a kind that devices do not verify",
        hint=f"use RSA of at least {MIN_RSA_BITS} bits, or EC on P-256 or P-384",
    )


def _hash(algorithm: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA384() if algorithm == "ES384" else hashes.SHA256()


def _check_dates(chain: Sequence[Any], at: Optional[datetime.datetime], what: str) -> None:
    for certificate in chain if at is not None else ():
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise SignatureError(
                f"{what}: the certificate of {certificate.subject.rfc4514_string()} is valid from "
                f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d} only"
            )


def _check_links(chain: Sequence[Any], what: str) -> None:
    for child, parent in zip(chain, chain[1:]):
        if not _issued(child, parent):
            raise SignatureError(f"{what}: its certificates do not form a chain")


def _issued(child: Any, parent: Any) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        constraints = parent.extensions.get_extension_for_class(x509.BasicConstraints).value
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return bool(constraints.ca)


def _check_usage(leaf: Any, what: str) -> None:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if ExtendedKeyUsageOID.CODE_SIGNING not in usage:
        raise SignatureError(f"{what}: its certificate is not for code signing")


def _verify_bytes(key: Any, signature: Signature, data: bytes, what: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if _algorithm(key) != signature.algorithm:
        raise SignatureError(f"{what} says {signature.algorithm}, but its key is for {_algorithm(key)}")
    try:
        if signature.algorithm == "RS256":
            key.verify(signature.signature, data, padding.PKCS1v15(), hashes.SHA256())
            return
        size = CURVES[signature.algorithm][1]
        if len(signature.signature) != 2 * size:
            raise InvalidSignature
        r, s = (int.from_bytes(part, "big") for part in (signature.signature[:size], signature.signature[size:]))
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(_hash(signature.algorithm)))
    except InvalidSignature as error:
        raise SignatureError(
            f"{what} does not match the state: a path that it covers was changed after it was signed",
            hint="sign the part again",
        ) from error
