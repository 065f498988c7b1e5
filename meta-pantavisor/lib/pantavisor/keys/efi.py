# SPDX-License-Identifier: MIT
"""EFI programs signed for UEFI Secure Boot: Authenticode in PE files, RSA with SHA-256.

The format is that of "Windows Authenticode Portable Executable Signature Format" and of PKCS #7 (RFC 2315).
No time is noted, so that the same key and program make the same bytes.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from ..errors import FormatError
from . import der, publickey
from .der import BIT_STRING, CONTEXT, OCTET_STRING, OID, SEQUENCE, SET, DerReader
from .signatures import Signer

MAX_PROGRAM_BYTES = 512 * 1024 * 1024
# Of the optional header, by its magic: where its list of directories begins.
_DIRECTORIES = {0x10B: 96, 0x20B: 112}
_CHECKSUM = 64
_CERTIFICATES = 4  # the number of the directory that has the signatures
_REVISION, _PKCS7 = 0x0200, 0x0002
_ALIGNMENT = 8

_SHA256 = der.value(SEQUENCE, der.value(OID, bytes.fromhex("608648016503040201")), b"\x05\x00")
_RSA = der.value(SEQUENCE, der.value(OID, bytes.fromhex("2a864886f70d010101")), b"\x05\x00")
_SIGNED_DATA = der.value(OID, bytes.fromhex("2a864886f70d010702"))
_CONTENT_TYPE = der.value(OID, bytes.fromhex("2a864886f70d010903"))
_MESSAGE_DIGEST = der.value(OID, bytes.fromhex("2a864886f70d010904"))
_INDIRECT_DATA = der.value(OID, bytes.fromhex("2b060104018237020104"))
_IMAGE_DATA = der.value(OID, bytes.fromhex("2b06010401823702010f"))
_OBSOLETE = "<<<Obsolete>>>".encode("utf-16-be")  # the text that the format asks for


def sign_efi(program: bytes, signer: Signer, *, what: str) -> bytes:
    """The program with one signature more. Raises FormatError for what is not an EFI program, or where the
    key is not RSA or has no certificate.
    """
    if not publickey.is_rsa(signer.algorithm) or not signer.x5c:
        raise FormatError(
            f"{what} can only be signed by an RSA key with its certificate",
            hint="name an RSA key by --key, and its certificate by --x5c",
        )
    image = _Image.parse(program, what)
    signature = _signed_data(_content(image.digest()), signer)
    entry = struct.pack("<IHH", 8 + len(signature), _REVISION, _PKCS7) + signature
    return image.with_signature(entry)


@dataclass(frozen=True)
class _Image:
    """A program: its bytes without signatures, padded, the signatures, and two places in its header."""

    body: bytes
    signatures: bytes
    checksum: int
    directory: int

    @classmethod
    def parse(cls, program: bytes, what: str) -> _Image:
        try:
            return cls._parse(program)
        except (struct.error, ValueError) as error:
            reason = f": {error}" if isinstance(error, ValueError) else ""
            raise FormatError(
                f"{what} is not an EFI program that firmware verifies{reason}",
                hint="name a program for UEFI, such as that of GRUB, or a kernel with an EFI stub",
            ) from error

    @classmethod
    def _parse(cls, program: bytes) -> _Image:
        (header,) = struct.unpack_from("<I", program, 0x3C)
        if program[:2] != b"MZ" or program[header : header + 4] != b"PE\0\0":
            raise ValueError("it does not begin as one")
        sections, optional_size = struct.unpack_from("<H12xH", program, header + 6)
        optional = header + 24
        (magic,) = struct.unpack_from("<H", program, optional)
        if magic not in _DIRECTORIES:
            raise ValueError("its optional header is of an unknown kind")
        first = optional + _DIRECTORIES[magic]
        (count,) = struct.unpack_from("<I", program, first - 4)
        directory = first + 8 * _CERTIFICATES
        if count <= _CERTIFICATES or directory + 8 > optional + optional_size:
            raise ValueError("it has no room for signatures")
        start, size = struct.unpack_from("<II", program, directory)
        if size and (start + size != len(program) or start % _ALIGNMENT or start < directory):
            raise ValueError("its signatures are not at its end")
        body = program[:start] if size else program + bytes(-len(program) % _ALIGNMENT)
        (headers,) = struct.unpack_from("<I", program, optional + 60)
        _check_sections(body, optional + optional_size, sections, headers)
        signatures = _signatures(program[start:]) if size else b""
        return cls(body, signatures, optional + _CHECKSUM, directory)

    def digest(self) -> bytes:
        """SHA-256 of all but the checksum, the place of the signatures and the signatures."""
        state = hashlib.sha256(self.body[: self.checksum])
        state.update(self.body[self.checksum + 4 : self.directory])
        state.update(self.body[self.directory + 8 :])
        return state.digest()

    def with_signature(self, entry: bytes) -> bytes:
        signatures = self.signatures + entry + bytes(-len(entry) % _ALIGNMENT)
        place = struct.pack("<II", len(self.body), len(signatures))
        return self.body[: self.directory] + place + self.body[self.directory + 8 :] + signatures


def _signatures(table: bytes) -> bytes:
    """The whole table with the padding of its last entry. Firmware goes from entry to entry by their
    lengths, and would not find one more behind a wrong one.
    """
    at = 0
    while at < len(table):
        (length,) = struct.unpack_from("<I", table, at)
        if not 8 < length <= len(table) - at:
            raise ValueError("its table of signatures is damaged")
        at += length + -length % _ALIGNMENT
    return table + bytes(-len(table) % _ALIGNMENT)


def _check_sections(body: bytes, table: int, count: int, headers: int) -> None:
    """Firmware hashes the headers, then one section after the other, then what is behind them. That is the
    whole file only where there is nothing in between.
    """
    places = [struct.unpack_from("<II", body, table + 40 * number + 16) for number in range(count)]
    end = headers
    for size, start in sorted(places, key=lambda place: place[1]):
        if size and start != end:
            raise ValueError("there is a gap between its sections, or they overlap")
        end += size
    if end > len(body):
        raise ValueError("it is cut off")


def _content(digest: bytes) -> bytes:
    """SpcIndirectDataContent: what is signed, in place of the program."""
    link = der.value(CONTEXT, der.value(CONTEXT + 2, der.value(0x80, _OBSOLETE)))
    image = der.value(SEQUENCE, der.value(BIT_STRING, b"\0"), link)
    return der.value(
        SEQUENCE,
        der.value(SEQUENCE, _IMAGE_DATA, image),
        der.value(SEQUENCE, _SHA256, der.value(OCTET_STRING, digest)),
    )


def _signed_data(content: bytes, signer: Signer) -> bytes:
    inner = DerReader(content).only(SEQUENCE)
    # Sorted, as DER has sets.
    attributes = (
        der.value(SEQUENCE, _CONTENT_TYPE, der.value(SET, _INDIRECT_DATA))
        + der.value(SEQUENCE, _MESSAGE_DIGEST,
                    der.value(SET, der.value(OCTET_STRING, hashlib.sha256(inner).digest())))
    )  # fmt: skip
    signature = signer.sign(der.value(SET, attributes))
    info = der.value(
        SEQUENCE,
        der.number(1),
        _issuer_and_serial(signer.x5c[0]),
        _SHA256,
        der.value(CONTEXT, attributes),
        _RSA,
        der.value(OCTET_STRING, signature),
    )
    signed = der.value(
        SEQUENCE,
        der.number(1),
        der.value(SET, _SHA256),
        der.value(SEQUENCE, _INDIRECT_DATA, der.value(CONTEXT, content)),
        der.value(CONTEXT, *signer.x5c),
        der.value(SET, info),
    )
    return der.value(SEQUENCE, _SIGNED_DATA, der.value(CONTEXT, signed))


def _issuer_and_serial(certificate: bytes) -> bytes:
    fields = DerReader(DerReader(DerReader(certificate).only(SEQUENCE)).content(SEQUENCE))
    if fields.peek() == CONTEXT:
        fields.content(CONTEXT)
    serial, _ = fields.whole(der.INTEGER), fields.whole(SEQUENCE)
    return der.value(SEQUENCE, fields.whole(SEQUENCE), serial)
