# SPDX-License-Identifier: MIT
"""What computes signatures: the Python package cryptography where it is installed, else the program
openssl.

A build without the package need not compile it, and with it Rust. Both give the same bytes. Digests are
taken by hashlib; a signature of ECDSA is DER here, and its number that must never come twice is that of
RFC 6979.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import Protocol

from .. import proc
from ..errors import NotFound
from .publickey import PublicKey

OLDEST_PACKAGE = (43,)  # deterministic ECDSA


class PrivateKey(Protocol):
    """A key that never shows in a repr or an error."""

    @property
    def info(self) -> bytes:
        """SubjectPublicKeyInfo of its public half."""

    def sign(self, hash_name: str, digest: bytes) -> bytes:
        """RSA with PKCS#1 v1.5, or ECDSA in DER."""


class Engine(Protocol):
    """One of the two."""

    def verify(self, key: PublicKey, hash_name: str, digest: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is one of ``digest`` by ``key``."""

    def load(self, block: bytes) -> PrivateKey:
        """The key of a PEM block without passphrase. Raises ValueError."""

    def make(self, algorithm: str, rsa_bits: int) -> bytes:
        """A new private key as PKCS#8 in PEM."""


@functools.cache
def engine() -> Engine:
    """Raises NotFound where there is neither."""
    if _has_package():
        from .package import PackageEngine

        return PackageEngine()
    if proc.find("openssl"):
        from .program import ProgramEngine

        return ProgramEngine()
    raise NotFound(
        "neither the Python package cryptography (43 or later) nor the program openssl is installed",
        hint="run: pip install cryptography, or: apt install openssl",
    )


def _has_package() -> bool:
    if importlib.util.find_spec("cryptography") is None:
        return False
    import cryptography

    release = cryptography.__version__.split(".")[0]
    return release.isdigit() and (int(release),) >= OLDEST_PACKAGE
