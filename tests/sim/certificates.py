# SPDX-License-Identifier: MIT
"""Certificates built piece by piece, so that each piece can be wrong and the signature over it right.

Keys are derived from small numbers, so that the same pieces make the same bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVES = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "K-256": ec.SECP256K1(),
}
NULL = b"\x05\x00"


def tlv(tag: int, content: bytes) -> bytes:
    """A value in DER."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 + len(digits)]) + digits + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, b"".join(parts))


def integer(number: int) -> bytes:
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytes([first * 40 + second])
    for number in rest:
        digits = [number & 127]
        while number := number >> 7:
            digits.append(number & 127 | 128)
        content += bytes(reversed(digits))
    return tlv(6, content)


def name(text: str, *, tag: int = 12) -> bytes:
    return sequence(tlv(0x31, sequence(oid("2.5.4.3"), tlv(tag, text.encode()))))


def dates(start: str = "261201000000Z", end: str = "361201000000Z", *, tag: int = 23) -> bytes:
    return sequence(tlv(tag, start.encode()), tlv(tag, end.encode()))


def extension(dotted: str, value: bytes, *, critical: bytes = b"") -> bytes:
    return sequence(oid(dotted), critical, tlv(4, value))


CRITICAL = tlv(1, b"\xff")


def constraints(*parts: bytes) -> bytes:
    return extension("2.5.29.19", sequence(*parts), critical=CRITICAL)


def usage(bits: bytes) -> bytes:
    return extension("2.5.29.15", tlv(3, bits), critical=CRITICAL)


def purposes(*dotted: str) -> bytes:
    return extension("2.5.29.37", sequence(*map(oid, dotted)))


AUTHORITY, SIGNS, CERTIFIES = constraints(CRITICAL), usage(b"\x07\x80"), usage(b"\x02\x04")
CODE, SERVER, ANY = "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.1", "2.5.29.37.0"


@functools.cache
def private(kind: str, number: int) -> Any:
    """A key of a curve, or ``RSA`` of 2048 bits."""
    if kind == "RSA":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.derive_private_key(number, CURVES[kind])


def key_info(kind: str, number: int) -> bytes:
    return bytes(
        private(kind, number).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


def rsa_info(modulus: int, exponent: int = 65537, *, parameters: bytes = NULL) -> bytes:
    """A key of any numbers: there is no private half."""
    numbers = sequence(integer(modulus), integer(exponent))
    return sequence(sequence(oid("1.2.840.113549.1.1.1"), parameters), tlv(3, b"\0" + numbers))


ECDSA = {"sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4",
         "sha1": "1.2.840.10045.4.1"}  # fmt: skip
PKCS1 = {"sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12",
         "sha512": "1.2.840.113549.1.1.13", "sha1": "1.2.840.113549.1.1.5"}  # fmt: skip


@dataclass(frozen=True)
class Pieces:
    """What a certificate is made of; any piece may be replaced by any bytes."""

    subject: bytes
    key: tuple[str, int]
    by: tuple[str, int]
    issuer: bytes
    extensions: tuple[bytes, ...] = ()
    version: bytes = tlv(0xA0, integer(2))
    serial: bytes = integer(7)
    validity: bytes = dates()
    info: Optional[bytes] = None
    behind_key: bytes = b""
    digest: str = "sha256"
    inner: Optional[bytes] = None
    outer: Optional[bytes] = None
    signature: Optional[bytes] = None
    behind: bytes = b""

    def but(self, **changes: Any) -> Pieces:
        return replace(self, **changes)

    def algorithm(self) -> bytes:
        if self.by[0] == "RSA":
            return sequence(oid(PKCS1[self.digest]), NULL)
        return sequence(oid(ECDSA[self.digest]))

    def tbs_pieces(self) -> list[bytes]:
        block = tlv(0xA3, sequence(*self.extensions)) if self.extensions else b""
        inner = self.algorithm() if self.inner is None else self.inner
        info = key_info(*self.key) if self.info is None else self.info
        return [
            self.version,
            self.serial,
            inner,
            self.issuer,
            self.validity,
            self.subject,
            info,
            self.behind_key,
            block,
        ]

    def der(self, pieces: Optional[Sequence[bytes]] = None) -> bytes:
        tbs = sequence(*(self.tbs_pieces() if pieces is None else pieces))
        signature = self.sign(tbs) if self.signature is None else self.signature
        outer = self.algorithm() if self.outer is None else self.outer
        return sequence(tbs, outer, tlv(3, b"\0" + signature)) + self.behind

    def sign(self, tbs: bytes) -> bytes:
        key, digest = private(*self.by), getattr(hashes, self.digest.upper())()
        if self.by[0] == "RSA":
            return bytes(key.sign(tbs, padding.PKCS1v15(), digest))
        return bytes(key.sign(tbs, ec.ECDSA(digest, deterministic_signing=True)))


ROOT_KEY, MIDDLE_KEY, LEAF_KEY, OTHER_KEY = ("P-256", 11), ("P-384", 12), ("P-256", 13), ("P-256", 14)
ROOT = Pieces(name("root"), ROOT_KEY, ROOT_KEY, name("root"), (AUTHORITY, CERTIFIES))
MIDDLE = Pieces(name("middle"), MIDDLE_KEY, ROOT_KEY, name("root"), (AUTHORITY, CERTIFIES))
LEAF = Pieces(name("leaf"), LEAF_KEY, ROOT_KEY, name("root"), (constraints(), SIGNS, purposes(CODE)))
BELOW = LEAF.but(by=MIDDLE_KEY, issuer=name("middle"))


@dataclass(frozen=True)
class Case:
    """A chain, leaf first, and whether it is one that devices trust."""

    name: str
    good: bool
    chain: tuple[bytes, ...]
    roots: tuple[bytes, ...]
    algorithm: str = "ES256"

    def __str__(self) -> str:
        return self.name


def case(
    name: str, good: bool, *chain: Pieces, roots: Sequence[Pieces] = (ROOT,), algorithm: str = "ES256"
) -> Case:
    ders = tuple(pieces.der() for pieces in chain)
    return Case(name, good, ders, tuple(pieces.der() for pieces in roots), algorithm)


def usages() -> list[Case]:
    plain = LEAF.but(extensions=())
    return [
        case("a leaf as ours", True, LEAF),
        case("a leaf that says nothing of itself", True, plain),
        case("a leaf for encipherment", False, LEAF.but(extensions=(usage(b"\x05\x20"),))),
        case("a leaf for certificates alone", False, LEAF.but(extensions=(CERTIFIES,))),
        case("a usage of two bytes", True, LEAF.but(extensions=(usage(b"\x07\x80\x80"),))),
        case("a usage with stray bits", False, LEAF.but(extensions=(usage(b"\x07\x81"),))),
        case("a usage without bits", False, LEAF.but(extensions=(usage(b"\x00"),))),
        case("a leaf for servers", False, LEAF.but(extensions=(purposes(SERVER),))),
        case("a leaf for servers and code", True, LEAF.but(extensions=(purposes(SERVER, CODE),))),
        case("a leaf for everything", True, LEAF.but(extensions=(purposes(ANY),))),
        case("a leaf for nothing", False, LEAF.but(extensions=(purposes(),))),
        case("purposes twice", False, LEAF.but(extensions=(purposes(CODE), purposes(CODE)))),
        case("an unknown extension", True, LEAF.but(extensions=(extension("1.2.3", b"x"),))),
        case("an unknown critical extension", False,
             LEAF.but(extensions=(extension("1.2.3", b"x", critical=CRITICAL),))),
        case("other names, critical", False,
             LEAF.but(extensions=(extension("2.5.29.17", sequence(), critical=CRITICAL),))),
        case("a critical that is false", False,
             LEAF.but(extensions=(extension("1.2.3", b"x", critical=tlv(1, b"\0")),))),
        case("a critical that is odd", False,
             LEAF.but(extensions=(extension("2.5.29.37", sequence(oid(CODE)), critical=tlv(1, b"\1")),))),
        case("an empty list of extensions", False,
             LEAF.but(extensions=(), behind_key=tlv(0xA3, sequence()))),
        case("33 extensions", False,
             LEAF.but(extensions=tuple(extension(f"1.2.{n}", b"") for n in range(33)))),
        case("32 extensions", True,
             LEAF.but(extensions=tuple(extension(f"1.2.{n}", b"") for n in range(32)))),
        case("identifiers of old", False, LEAF.but(behind_key=tlv(0x81, b"\0\1"))),
    ]  # fmt: skip


def chains() -> list[Case]:
    def middle(*extensions: bytes) -> Pieces:
        return MIDDLE.but(extensions=extensions)

    limited = ROOT.but(extensions=(constraints(CRITICAL, integer(0)), CERTIFIES))
    return [
        case("a chain of two", True, BELOW, MIDDLE),
        case("a chain with its root", True, BELOW, MIDDLE, ROOT),
        case("a root alone", False, ROOT),
        case("a root that signs data", True, root := ROOT.but(extensions=(AUTHORITY, usage(b"\x02\x84"))),
             roots=[root]),
        case("a leaf that is a root itself", True, LEAF, roots=[LEAF]),
        case("a chain in disorder", False, BELOW, ROOT, MIDDLE),
        case("a chain with a hole", False, BELOW),
        case("a chain with a stranger behind", False, LEAF, MIDDLE),
        case("a chain of nine", False, BELOW, *[MIDDLE] * 8),
        case("no chain", False),
        case("another root of that name", False, LEAF, roots=[ROOT.but(key=OTHER_KEY, by=OTHER_KEY)]),
        case("the same root a second time", True, LEAF,
             roots=[ROOT.but(key=OTHER_KEY, by=OTHER_KEY), ROOT]),
        case("a root of another name", False, LEAF, roots=[ROOT.but(subject=name("toor"))]),
        case("a name in other letters", False, LEAF, roots=[ROOT.but(subject=name("ROOT"))]),
        case("a name as another kind of text", False, LEAF, roots=[ROOT.but(subject=name("root", tag=19))]),
        case("an issuer that is not an authority", False, BELOW, middle(constraints(), CERTIFIES)),
        case("an issuer that does not say", False, BELOW, middle()),
        case("an issuer without a usage", True, BELOW, middle(AUTHORITY)),
        case("an issuer for data alone", False, BELOW, middle(AUTHORITY, SIGNS)),
        case("an issuer for servers", False, BELOW, middle(AUTHORITY, purposes(SERVER))),
        case("an issuer for code", True, BELOW, middle(AUTHORITY, purposes(CODE))),
        case("a path of its length", True, LEAF, roots=[limited]),
        case("a path too long", False, BELOW, MIDDLE, roots=[limited]),
        case("a length without authority", False, LEAF.but(extensions=(constraints(integer(0)),))),
        case("a length below zero", False, BELOW, middle(constraints(CRITICAL, tlv(2, b"\xff")))),
        case("a length that is not short", False, BELOW, middle(constraints(CRITICAL, tlv(2, b"\0\1")))),
        case("an authority that is false in words", False,
             LEAF.but(extensions=(constraints(tlv(1, b"\0")),))),
        case("an expired leaf: there is no clock", True,
             LEAF.but(validity=dates("000101000000Z", "010101000000Z"))),
    ]  # fmt: skip


def algorithms() -> list[Case]:
    by_rsa = LEAF.but(by=("RSA", 1))
    rsa_root = ROOT.but(key=("RSA", 1), by=("RSA", 1))
    explicit = sequence(
        sequence(oid("1.2.840.10045.2.1"), sequence(integer(1))), tlv(3, b"\0\4" + bytes(64))
    )
    compressed = key_info(*LEAF_KEY).replace(b"\x03\x42\x00\x04", b"\x03\x42\x00\x02")
    off_curve = key_info(*LEAF_KEY)[:-1] + bytes([key_info(*LEAF_KEY)[-1] ^ 1])
    return [
        case("RSA signs EC", True, by_rsa, roots=[rsa_root]),
        case("RSA with SHA-384", True, by_rsa.but(digest="sha384"), roots=[rsa_root]),
        case("RSA with SHA-1", False, by_rsa.but(digest="sha1"), roots=[rsa_root]),
        case("RSA without NULL", False,
             by_rsa.but(inner=sequence(oid(PKCS1["sha256"])), outer=sequence(oid(PKCS1["sha256"]))),
             roots=[rsa_root]),
        case("EC with SHA-512", True, LEAF.but(digest="sha512")),
        case("EC with SHA-1", False, LEAF.but(digest="sha1")),
        case("a root that SHA-1 signed", True, LEAF, roots=[ROOT.but(digest="sha1")]),
        case("EC with NULL", False,
             LEAF.but(inner=(odd := sequence(oid(ECDSA["sha256"]), NULL)), outer=odd)),
        case("two algorithms", False, LEAF.but(inner=sequence(oid(ECDSA["sha384"])))),
        case("an EC signature said to be RSA", False,
             LEAF.but(inner=(odd := sequence(oid(PKCS1["sha256"]), NULL)), outer=odd)),
        *(case(f"{name} for {curve}", name == right, LEAF.but(key=(curve, 21)), algorithm=name)
          for curve, right in (("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"))
          for name in ("ES256", "ES384", "ES512", "RS256")),
        case("a curve that JWS does not know", False, LEAF.but(key=("K-256", 21))),
        case('the algorithm "none"', False, LEAF, algorithm="none"),
        case("RS256 for RSA", True, LEAF.but(key=("RSA", 2)), algorithm="RS256"),
        case("ES256 for RSA", False, LEAF.but(key=("RSA", 2))),
        case("PS256", False, LEAF.but(key=("RSA", 2)), algorithm="PS256"),
        *(case(f"RSA of {bits} bits", good, LEAF.but(info=rsa_info((1 << bits - 1) + 1)), algorithm="RS256")
          for bits, good in ((2047, False), (2048, True), (8192, True), (8193, False))),
        case("an even modulus", False, LEAF.but(info=rsa_info(1 << 2047)), algorithm="RS256"),
        *(case(f"the exponent {exponent}", good, LEAF.but(info=rsa_info((1 << 2047) + 1, exponent)),
               algorithm="RS256")
          for exponent, good in ((1, False), (2, False), (3, True), (2**32 - 1, True), (2**32 + 1, False))),
        case("an RSA key without NULL", False, LEAF.but(info=rsa_info((1 << 2047) + 1, parameters=b"")),
             algorithm="RS256"),
        case("a curve in numbers", False, LEAF.but(info=explicit)),
        case("a point that is compressed", False, LEAF.but(info=compressed)),
        case("a point off its curve", False, LEAF.but(info=off_curve)),
        case("a signature of another key", False, LEAF.but(by=OTHER_KEY)),
        case("a signature of nothing", False, LEAF.but(signature=b"")),
        case("a signature of zeros", False, LEAF.but(signature=sequence(integer(0), integer(0)))),
        case("a signature with something behind", False,
             LEAF.but(signature=LEAF.sign(sequence(*LEAF.tbs_pieces())) + b"\0")),
    ]  # fmt: skip


def forms() -> list[Case]:
    good = LEAF.der()
    long_form = good[:1] + b"\x83\0" + (good[2:] if good[1] == 0x82 else b"\0" + good[2:])
    indefinite = b"\x30\x80" + good[3 if good[1] == 0x81 else 4 :] + b"\0\0"

    def raw(name: str, der: bytes) -> Case:
        return Case(name, False, (der,), (ROOT.der(),))

    return [
        raw("a byte behind", good + b"\0"),
        raw("a byte less", good[:-1]),
        raw("a length that is not short", long_form),
        raw("an indefinite length", indefinite),
        raw("nothing", b""),
        raw("a certificate of 13 KB", LEAF.but(extensions=(extension("1.2.3", bytes(13000)),)).der()),
        case("version 1", True, LEAF.but(version=b"", extensions=())),
        case("version 1, spelt out", False, LEAF.but(version=tlv(0xA0, integer(0)), extensions=())),
        case("version 1 with extensions", False, LEAF.but(version=b"")),
        case("an issuer of version 1", False, BELOW, MIDDLE.but(version=b"", extensions=())),
        case("a root of version 1", False, LEAF, roots=[ROOT.but(version=b"", extensions=())]),
        case("version 2", False, LEAF.but(version=tlv(0xA0, integer(1)), extensions=())),
        case("version 4", False, LEAF.but(version=tlv(0xA0, integer(3)))),
        case("a serial number of 20 bytes", True, LEAF.but(serial=integer((1 << 160) - 1))),
        case("a serial number of 21 bytes", False, LEAF.but(serial=integer(1 << 160))),
        case("a serial number below zero", False, LEAF.but(serial=tlv(2, b"\xff"))),
        case("a serial number that is not short", False, LEAF.but(serial=tlv(2, b"\0\7"))),
        case("a serial number of nothing", False, LEAF.but(serial=tlv(2, b""))),
        case("generalized dates", True,
             LEAF.but(validity=dates("20261201000000Z", "20361201000000Z", tag=24))),
        case("dates without seconds", False, LEAF.but(validity=dates("2612010000Z", "3612010000Z"))),
        case("dates of another zone", False,
             LEAF.but(validity=dates("261201000000+0100", "361201000000+0100"))),
        case("the 30th of February", False, LEAF.but(validity=dates("260230000000Z"))),
        case("the 29th of February in 2100", False,
             LEAF.but(validity=dates("21000229000000Z", "21010101000000Z", tag=24))),
        case("the 29th of February in 2000", True, LEAF.but(validity=dates("000229000000Z"))),
        case("the 25th hour", False, LEAF.but(validity=dates("261201240000Z"))),
        case("the 61st second", False, LEAF.but(validity=dates("261201000060Z"))),
        case("three dates", False, LEAF.but(validity=sequence(*[tlv(23, b"261201000000Z")] * 3))),
        case("an empty subject", True, LEAF.but(subject=sequence())),
        case("a subject that is not a list", False, LEAF.but(subject=tlv(0x31, b""))),
        case("a subject of two in one set", False,
             LEAF.but(subject=sequence(tlv(0x31, 2 * sequence(oid("2.5.4.3"), tlv(12, b"x")))))),
        case("a subject in old letters", True, LEAF.but(subject=name("leaf", tag=20))),
    ]  # fmt: skip


def table() -> list[Case]:
    """Every case there is."""
    return [*usages(), *chains(), *algorithms(), *forms()]
