# SPDX-License-Identifier: MIT
"""Whose a certificate is, as RFC 4514 writes names."""

from __future__ import annotations

from ..errors import FormatError
from . import x509

_TYPES = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x09": "STREET",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
}
# UTF8String, PrintableString, T61String, IA5String, UniversalString, BMPString.
_ENCODINGS = {
    0x0C: "utf-8",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


def subject_of(der: bytes, *, what: str) -> str:
    """Whose certificate it is; FormatError for a damaged one."""
    try:
        certificate = x509.read(der)
        if certificate.signed_with is None:
            raise FormatError("its own signature is of a kind that devices do not verify")
        return _name(certificate.subject)
    except FormatError as error:
        raise FormatError(f"{what} carries a damaged certificate: {error.message}") from error


def shown_subject(der: bytes) -> str:
    """Whose certificate it is, for a sentence."""
    try:
        return _name(x509.read(der).subject)
    except FormatError:
        return "a name that cannot be read"


def _name(name: bytes) -> str:
    pairs = [
        (_TYPES.get(kind) or _dotted(kind), _text(tag, text)) for kind, tag, text in x509.attributes(name)
    ]
    return ",".join(f"{kind}={_escaped(text)}" for kind, text in reversed(pairs))


def _text(tag: int, text: bytes) -> str:
    if tag not in _ENCODINGS:
        raise FormatError("its name is not a string")
    return text.decode(_ENCODINGS[tag], "replace")


def _dotted(kind: bytes) -> str:
    """An object identifier in its usual form."""
    numbers, number = [], 0
    for byte in kind:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2) if numbers else 0
    return ".".join(map(str, [first, *(n - 40 * first * (at == 0) for at, n in enumerate(numbers))]))


def _escaped(text: str) -> str:
    shown = "".join(f"\\{char}" if char in '\\"+,;<>' else char for char in text).replace("\0", "\\00")
    if shown[:1] in ("#", " "):
        shown = "\\" + shown
    return shown[:-1] + "\\ " if len(shown) > 1 and shown.endswith(" ") else shown
