# SPDX-License-Identifier: MIT
"""Canonical JSON: what is read is written in one spelling, which reads as the same value."""

from __future__ import annotations

from pantavisor import cjson
from pantavisor.errors import PantavisorError

from .target import VECTORS

WORDS = (
    "true",
    "false",
    "null",
    "\\u",
    "\\uD800",
    "\\uDFFF",
    "\\n",
    "1e",
    "E-",
    "0.",
    "-0",
    "e400",
    "NaN",
    "Infinity",
)


def one_input(content: bytes) -> None:
    try:
        value = cjson.loads(content)
    except PantavisorError:
        return
    text = cjson.dumps(value)
    again = cjson.loads(text)
    assert again == value
    assert cjson.dumps(again) == text


def seeds() -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in sorted((VECTORS / "canonical").iterdir())}
    return {
        **found,
        "numbers": b"[0, -0, 1e5, 1.5E-3, 100000000000000000000, 0.1, -1.25e+30, "
        b"12345678901234567890.5, 0e5, 1e400]",
        "strings": b'{"a\\u0000\\ud83d\\ude00": "\\ud800 '
        b'\\" \\\\ \\/ \\b\\f\\t \xc3\xa9 \xf0\x9f\x98\x80", "": [[], {}]}',
        "deep": b"[" * 64 + b"]" * 64,
        "words": b"[true, false, null]",
    }
