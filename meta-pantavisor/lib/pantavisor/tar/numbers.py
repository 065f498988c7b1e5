# SPDX-License-Identifier: MIT
"""Numbers of tar headers: octal text, GNU's base 256, and decimal text in pax records.

Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; the manual of GNU
tar, "Extensions to tar Format", for base 256.
"""

from __future__ import annotations

import functools
import re

from ..errors import FormatError

_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*(?:\0.*)?", re.DOTALL)
_DECIMAL = re.compile(rb"[0-9]{1,19}")
_SIGNED = re.compile(rb"-[0-9]{1,10}")
_KEPT = 1024  # numbers of fields: most members of an archive share mode, owner and day
_SECONDS = re.compile(rb"\+?(-?)([0-9]{1,18})(?:\.([0-9]{0,40}))?")


@functools.lru_cache(maxsize=_KEPT)
def number(field: bytes) -> int:
    """A number of a header field; nothing at all is 0. Negative numbers only exist in base 256.

    Raises FormatError.
    """
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        sign_bit = 1 << (8 * len(field) - 2)
        return value - 2 * sign_bit if value & sign_bit else value
    digits = field.rstrip(b"\0 ")
    if digits.isdigit() and not digits.strip(b"01234567"):
        return int(digits, 8)  # nearly every field
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise FormatError(f"a tar header has {field[:24]!r} where a number belongs")
    return int(match[1] or b"0", 8)


def decimal(text: bytes) -> int:
    """A number of a pax record. Raises FormatError for signs, spaces and more than 19 digits."""
    if not _DECIMAL.fullmatch(text):
        raise FormatError(f"a tar has {text[:24]!r} where a decimal number belongs")
    return int(text)


def owner(text: bytes, field: bytes) -> int:
    """A uid or gid: ``text`` of a pax record, or the header's field where that is empty.
    -2 is the user nobody of some systems, and Linux 4294967294;
    -1 and what has no 32 bits is given back as it is, to be refused.
    """
    if not text:
        value = number(field)
    else:
        value = int(text) if _SIGNED.fullmatch(text) else decimal(text)
    return value + 2**32 if -(2**31) <= value < -1 else value


def seconds(text: bytes) -> int:
    """A time of a pax record, rounded down to whole seconds. Raises FormatError."""
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise FormatError(f"a tar has {text[:24]!r} where a time belongs")
    whole = int(match[2])
    if match[1]:
        return -whole - (1 if (match[3] or b"").strip(b"0") else 0)
    return whole
