# SPDX-License-Identifier: MIT
"""OpenPGP (RFC 9580) as far as GRUB reads it: RSA keys and detached signatures of version 4.

GRUB verifies a file by the ``.sig`` next to it and the keys in its own program; it knows no certificate and
no ECDSA. A key's number covers the time it was made, which nothing here has: every key and signature has
the same one.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import FormatError, SignatureError
from . import publickey
from .engine import engine
from .pem import PemSigner
from .publickey import PublicKey
from .signatures import Signer

MADE = 1577836800  # 2020-01-01
USER = b"Pantavisor boot key"
MAX_SIGNATURE_BYTES = 4096
MAX_PACKETS = 64
BINARY, CERTIFICATION = 0x00, 0x13  # what is signed: a document, or a key with its name
RSA = 1
HASHES = {8: "sha256", 9: "sha384", 10: "sha512"}
SHA256 = 8
SIGNATURE, KEY, USER_ID = 2, 6, 13  # packets
CREATED, ISSUER, USAGE, FINGERPRINT = 2, 16, 27, 33  # subpackets
FOR_DATA = b"\x02"


@dataclass(frozen=True)
class BootSigner:
    """What signs by the RSA key that GRUB trusts: a key file, a token, a command."""

    _signer: Signer = field(repr=False, compare=False)

    @classmethod
    def of(cls, signer: Signer) -> BootSigner:
        """Raises FormatError where the key is not RSA."""
        if not publickey.is_rsa(signer.public.algorithm):
            raise FormatError(
                "the boot key is not an RSA key, and GRUB verifies by no others",
                hint=(
                    "run: pvr keys generate --algorithm RS256 DIRECTORY; "
                    "in a build, name it in PVS_BOOT_KEY"
                ),
            )
        return cls(signer)

    @classmethod
    def load(cls, path: Path) -> BootSigner:
        """Read a private key in PEM form. Raises FormatError."""
        return cls.of(PemSigner.load(path))

    def sign(self, path: Path) -> bytes:
        """The detached signature of a file."""
        return self._sign(BINARY, path.read_bytes(), b"")

    def public_key(self) -> bytes:
        """The key as GRUB embeds it, and as ``gpg --import`` takes it: with a name, and its own signature
        on that.
        """
        body = self._body()
        signed = b"\x99" + struct.pack(">H", len(body)) + body
        signed += b"\xb4" + struct.pack(">I", len(USER)) + USER
        return (
            _packet(KEY, body)
            + _packet(USER_ID, USER)
            + self._sign(CERTIFICATION, signed, _subpacket(USAGE, FOR_DATA))
        )

    def _body(self) -> bytes:
        key = self._signer.public
        return struct.pack(">BIB", 4, MADE, RSA) + _number(key.modulus) + _number(key.exponent)

    def _sign(self, kind: int, data: bytes, more: bytes) -> bytes:
        mark = _fingerprint(self._body())
        hashed = (
            _subpacket(CREATED, struct.pack(">I", MADE)) + _subpacket(FINGERPRINT, b"\x04" + mark) + more
        )
        head = struct.pack(">BBBBH", 4, kind, RSA, SHA256, len(hashed)) + hashed
        # RS256 is what GRUB verifies, too: RSA by PKCS#1 v1.5 over SHA-256.
        signed = data + _trailer(head)
        number = _number(int.from_bytes(self._signer.sign(signed), "big"))
        issuer = _subpacket(ISSUER, mark[-8:])
        start = hashlib.sha256(signed).digest()[:2]
        return _packet(SIGNATURE, head + struct.pack(">H", len(issuer)) + issuer + start + number)


@dataclass(frozen=True)
class BootKeys:
    """Public keys, as a GRUB program holds them."""

    _keys: dict[bytes, PublicKey] = field(repr=False)

    @classmethod
    def parse(cls, packets: bytes, *, what: str) -> BootKeys:
        """Read what ``BootSigner.public_key`` or ``gpg --export`` wrote; only the RSA keys among it.

        Raises FormatError.
        """
        keys = dict(
            _rsa_key(body)
            for tag, body in _packets(packets, what)
            if tag == KEY and body[5:6] == bytes([RSA])
        )
        if not keys:
            raise FormatError(f"{what} holds no RSA key that could verify a file")
        return cls(keys)

    def verify(self, signature: bytes, data: Iterable[bytes], *, what: str) -> None:
        """Raise SignatureError unless ``signature`` over ``data`` is by one of the keys."""
        made = _Signature.parse(signature, what)
        key = self._keys.get(made.issuer)
        if key is None:
            raise SignatureError(
                f"{what} is by the key {made.issuer.hex()}, which the boot loader does not trust"
            )
        digest = _digest(made.hash_number, data, made.head)
        size = (key.modulus.bit_length() + 7) // 8
        if (
            made.start != digest[:2]
            or made.value.bit_length() > 8 * size
            or not engine().verify(key, HASHES[made.hash_number], digest, made.value.to_bytes(size, "big"))
        ):
            raise SignatureError(f"{what} does not match the file", hint="sign the file again")


@dataclass(frozen=True)
class _Signature:
    """``head`` is what of the packet is signed."""

    head: bytes
    hash_number: int
    issuer: bytes
    start: bytes  # of the digest, which GRUB compares first
    value: int

    @classmethod
    def parse(cls, text: bytes, what: str) -> _Signature:
        if len(text) > MAX_SIGNATURE_BYTES:
            raise SignatureError(f"{what} is longer than a signature of {MAX_SIGNATURE_BYTES} bytes")
        try:
            (tag, body), *others = _packets(text, what)
            version, kind, method, hash_number, size = struct.unpack_from(">BBBBH", body)
            head, rest = body[: 6 + size], body[6 + size :]
            (more,) = struct.unpack_from(">H", rest)
            start = rest[2 + more : 2 + more + 2]
            value, end = _read_number(rest, 2 + more + 2)
            issuer = _issuer(head[6:]) or _issuer(rest[2 : 2 + more])
        except (ValueError, struct.error, IndexError, FormatError) as error:
            raise SignatureError(f"{what} is not an OpenPGP signature") from error
        if (
            others
            or tag != SIGNATURE
            or (version, kind, method) != (4, BINARY, RSA)
            or hash_number not in HASHES
            or not issuer
        ):
            raise SignatureError(
                f"{what} is not a detached RSA signature of version 4, by SHA-256, 384 or 512"
            )
        if end != len(rest):
            raise SignatureError(f"{what} has more in it than a signature")
        return cls(head, hash_number, issuer, start, value)


def _digest(number: int, data: Iterable[bytes], head: bytes) -> bytes:
    state = hashlib.new(HASHES[number])
    for chunk in data:
        state.update(chunk)
    state.update(_trailer(head))
    return state.digest()


def _trailer(head: bytes) -> bytes:
    """What is signed behind the data."""
    return head + b"\x04\xff" + struct.pack(">I", len(head))


def _fingerprint(body: bytes) -> bytes:
    # SHA-1 is the format's; it only names a key.
    return hashlib.sha1(b"\x99" + struct.pack(">H", len(body)) + body, usedforsecurity=False).digest()


def _rsa_key(body: bytes) -> tuple[bytes, PublicKey]:
    """The number of a key, and the key."""
    try:
        modulus, at = _read_number(body, 6)
        exponent, _ = _read_number(body, at)
        return _fingerprint(body)[-8:], publickey.of_rsa(modulus, exponent)
    except (ValueError, struct.error) as error:
        raise FormatError("an OpenPGP key cannot be read") from error


def _packet(tag: int, body: bytes) -> bytes:
    # The old form of a packet's head, with a length of two bytes: every reader has it.
    return struct.pack(">BH", 0x80 | tag << 2 | 1, len(body)) + body


def _packets(text: bytes, what: str) -> Iterator[tuple[int, bytes]]:
    at, count = 0, 0
    # A boot loader's image pads with zeros.
    while at < len(text) and text[at]:
        count += 1
        if count > MAX_PACKETS:
            raise FormatError(f"{what} holds more than {MAX_PACKETS} packets")
        try:
            tag, start, size = _packet_head(text, at)
        except (struct.error, IndexError) as error:
            raise FormatError(f"{what} is cut off") from error
        if not text[at] & 0x80 or start + size > len(text):
            raise FormatError(f"{what} does not consist of OpenPGP packets")
        yield tag, text[start : start + size]
        at = start + size


def _packet_head(text: bytes, at: int) -> tuple[int, int, int]:
    """The tag of a packet, where its body starts, and the body's size."""
    first = text[at]
    if first & 0x40:
        size = text[at + 1]
        if size < 192:
            return first & 0x3F, at + 2, size
        if size < 224:
            return first & 0x3F, at + 3, ((size - 192) << 8) + text[at + 2] + 192
        # 224 and up are pieces, which detached signatures and keys never come in; 255 has four more bytes.
        return first & 0x3F, at + 6, struct.unpack_from(">I", text, at + 2)[0] if size == 255 else len(text)
    form, width = {0: (">B", 1), 1: (">H", 2), 2: (">I", 4)}.get(first & 3, (">I", 4))
    return first >> 2 & 0xF, at + 1 + width, struct.unpack_from(form, text, at + 1)[0]


def _subpacket(kind: int, body: bytes) -> bytes:
    return bytes([len(body) + 1, kind]) + body


def _issuer(subpackets: bytes) -> bytes:
    at = 0
    while at + 1 < len(subpackets):
        size = subpackets[at]
        if size >= 192:
            return b""  # of hundreds of bytes: not ours, and not gpg's
        if subpackets[at + 1] & 0x7F == ISSUER and size == 9:
            return subpackets[at + 2 : at + 10]
        at += 1 + size
    return b""


def _number(value: int) -> bytes:
    return struct.pack(">H", value.bit_length()) + value.to_bytes((value.bit_length() + 7) // 8, "big")


def _read_number(text: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    (bits,) = struct.unpack_from(">H", text, at)
    end = at + 2 + (bits + 7) // 8
    value = int.from_bytes(text[at + 2 : end], "big")
    if end > len(text) or value.bit_length() != bits:
        raise ValueError("a number does not have the size that it claims")
    return value, end
