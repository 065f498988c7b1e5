# SPDX-License-Identifier: MIT
"""Canonical JSON as Pantavisor states need it, and a bounded reader.

Rules (gibson042 canonicaljson 1.0.3, checked against vectors of the published tool): members sorted by code
point, no whitespace, raw UTF-8, escapes only where JSON demands them with uppercase hex, integral numbers
as plain digits without loss, all other numbers as d.dddE<exponent>. The device compares text, so one value
has one spelling.
"""

from __future__ import annotations

import json
import re
from decimal import Context, Decimal
from typing import Any, Union

from .errors import FormatError, LimitError

Json = Union[None, bool, int, Decimal, str, list[Any], dict[str, Any]]

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64  # objects and arrays in each other
# A number such as 1e999999999 is ten bytes of input and a gigabyte of digits.
# What we write must pass again.
MAX_NUMBER_CHARS = 1024
MAX_DIGITS = 512
MAX_EXPONENT = 400

_UNTRAPPED = Context(traps=[])
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_BRACKETS = re.compile(r'"[^"]*"?|[\[{]|[\]}]')
_MUST_ESCAPE = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')


def loads(
    data: Union[bytes, str], *, what: str = "JSON", max_bytes: int = MAX_BYTES, unique: bool = False
) -> Json:
    """Parse one JSON document. Integers stay exact, other numbers become Decimal.

    Of members of one name the last wins, or with ``unique`` there is an error. Raises FormatError (naming
    ``what``) for bad UTF-8, bad JSON, NaN or Infinity, LimitError for size or depth.
    """
    if len(data) > max_bytes:
        raise LimitError(f"{what} is {len(data)} bytes long, more than the {max_bytes} allowed")
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        _check_depth(text, what)
        value: Json = json.loads(
            text,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_members if unique else None,
        )
    except UnicodeDecodeError as error:
        raise FormatError(f"{what} is not UTF-8 (byte {error.start})") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what} is not valid JSON: {error}") from error
    return value


def load_object(
    data: Union[bytes, str], *, what: str = "JSON", max_bytes: int = MAX_BYTES, unique: bool = False
) -> dict[str, Any]:
    """As loads, for a document that must be an object. Raises FormatError."""
    value = loads(data, what=what, max_bytes=max_bytes, unique=unique)
    if not isinstance(value, dict):
        raise FormatError(f"{what} is not a JSON object")
    return value


def dumps(value: Any) -> bytes:
    """The one canonical spelling of ``value``. Raises FormatError for what JSON has no word for."""
    parts: list[str] = []
    _write(value, parts, 0)
    return "".join(parts).encode("utf-8")


def _check_depth(text: str, what: str) -> None:
    # Before the parser sees it: its C recursion has no bound of ours. Escaped quotes go first: a pattern
    # that steps over them needs memory for each, and is slow on a string without end.
    depth = 0
    for token in _BRACKETS.finditer(text.replace("\\\\", "").replace('\\"', "")):
        char = token.group()[0]
        depth += (char in "[{") - (char in "]}")
        if depth > MAX_DEPTH:
            raise LimitError(f"{what} is nested more than {MAX_DEPTH} levels deep")


def _number(text: str) -> Union[int, Decimal]:
    # Without traps an exponent that Decimal cannot hold makes a NaN, not an ArithmeticError.
    number = Decimal(text, _UNTRAPPED) if len(text) <= MAX_NUMBER_CHARS else Decimal("NaN")
    if (
        number.is_nan()
        or len(number.as_tuple().digits) > MAX_DIGITS
        or abs(number.adjusted()) > MAX_EXPONENT
    ):
        raise ValueError(f"number {text[:20]}... is out of range")
    return int(number) if number == number.to_integral_value() else number


def _unique_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member is listed twice in one object")
    return found


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not a JSON number")


def _write(value: Any, parts: list[str], depth: int) -> None:
    if depth == MAX_DEPTH and isinstance(value, (dict, list, tuple)):
        raise LimitError(f"value is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, str):
        parts.append(_string(value))
    elif value is None or isinstance(value, bool):
        parts.append({None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, (int, float, Decimal)):
        parts.append(_spell_number(value))
    elif isinstance(value, dict):
        _write_object(value, parts, depth)
    elif isinstance(value, (list, tuple)):
        parts.append("[")
        for index, item in enumerate(value):
            parts.append("," if index else "")
            _write(item, parts, depth + 1)
        parts.append("]")
    else:
        raise FormatError(f"a {type(value).__name__} has no JSON form")


def _write_object(value: dict[Any, Any], parts: list[str], depth: int) -> None:
    if not all(isinstance(name, str) for name in value):
        raise FormatError("a JSON object has only strings as member names")
    parts.append("{")
    for index, name in enumerate(sorted(value)):
        parts.append("," if index else "")
        parts.append(_string(name) + ":")
        _write(value[name], parts, depth + 1)
    parts.append("}")


def _string(value: str) -> str:
    return (
        '"' + _MUST_ESCAPE.sub(lambda m: _ESCAPES.get(m.group(), f"\\u{ord(m.group()):04X}"), value) + '"'
    )


def _spell_number(value: Union[int, float, Decimal]) -> str:
    if isinstance(value, int):
        return str(value)
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if not number.is_finite():
        raise FormatError(f"{value} has no JSON form")
    if number == number.to_integral_value():
        return str(int(number))
    sign, digits, _ = number.as_tuple()
    # Not normalize(), which rounds to the digits of the current context.
    text = "".join(map(str, digits)).lstrip("0").rstrip("0")
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{number.adjusted()}"
