# SPDX-License-Identifier: MIT
"""DER (X.690), read forward and exactly, and written: definite lengths in their shortest form, tags of one
byte.

As ``der.c`` of the runtime; ValueError for anything else.
"""

from __future__ import annotations

from typing import Optional

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTF8_STRING, UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET, CONTEXT = 0x0C, 0x17, 0x18, 0x30, 0x31, 0xA0
MAX_LENGTH_BYTES = 3


class DerReader:
    """Takes values from the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def peek(self) -> Optional[int]:
        """The tag of the next value, None at the end."""
        return self._data[self._at] if self else None

    def whole(self, tag: int) -> bytes:
        """The next value with its tag and length."""
        start = self._at
        self.content(tag)
        return self._data[start : self._at]

    def content(self, tag: int) -> bytes:
        """The next value without them."""
        if self.peek() != tag:
            raise ValueError(f"no value of the tag {tag:#04x}")
        start, length = self._length()
        self._at = start + length
        if self._at > len(self._data):
            raise ValueError("a value ends too early")
        return self._data[start : self._at]

    def only(self, tag: int) -> bytes:
        """The content of the one value that is left."""
        content = self.content(tag)
        self.end()
        return content

    def end(self) -> None:
        if self:
            raise ValueError("something follows the last value")

    def natural(self) -> int:
        """A number that is not negative, in its shortest form."""
        digits = self.content(INTEGER)
        if not digits or digits[0] & 0x80 or (len(digits) > 1 and not digits[0] and not digits[1] & 0x80):
            raise ValueError("a number is negative or not in its shortest form")
        return int.from_bytes(digits, "big")

    def flag(self) -> bool:
        """Absent: False. A member that holds its default must be absent, so only True may be given."""
        if self.peek() != BOOLEAN:
            return False
        if self.content(BOOLEAN) != b"\xff":
            raise ValueError("a boolean is not in its canonical form")
        return True

    def bits(self) -> bytes:
        """A bit string of whole bytes."""
        content = self.content(BIT_STRING)
        if not content or content[0]:
            raise ValueError("a bit string is not of whole bytes")
        return content[1:]

    def _length(self) -> tuple[int, int]:
        """Where the content begins, and its length."""
        head = self._data[self._at + 1 : self._at + 2]
        if not head or head[0] < 0x80:
            return self._at + 2, head[0] if head else len(self._data)
        count = head[0] - 0x80
        digits = self._data[self._at + 2 : self._at + 2 + count]
        length = int.from_bytes(digits, "big")
        if not 0 < count <= MAX_LENGTH_BYTES or len(digits) < count or not digits[0] or length < 0x80:
            raise ValueError("a length is not in its shortest form")
        return self._at + 2 + count, length


def value(tag: int, *contents: bytes) -> bytes:
    """A value with its tag and length."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def number(natural: int) -> bytes:
    """A number that is not negative."""
    return value(INTEGER, natural.to_bytes(natural.bit_length() // 8 + 1, "big"))


def bit_string(whole_bytes: bytes) -> bytes:
    return value(BIT_STRING, b"\0" + whole_bytes)
