# SPDX-License-Identifier: MIT
"""What makes one unit differ from the others: its record, ``factory/unit.json`` of the storage
(docs/formats/unit.md).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from . import cjson, names
from .errors import FormatError, LimitError

SPEC = "pantavisor-unit@1"
FOLDER = "factory"
PATH = f"{FOLDER}/unit.json"
MAX_BYTES = 64 * 1024
MAX_ADDRESSES = 16
MAX_VALUES = 64
MAX_TEXT = 1024  # characters of a value
MAX_PEM = 16 * 1024
MAX_CERTIFICATES = 4
MEMBERS = ("#spec", "serial", "macs", "locale", "certificate", "request", "values")
_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_LOCALE = re.compile(r"(?:C|POSIX|[a-z]{2,3}(?:_[A-Z]{2})?)(?:\.[A-Za-z0-9-]{1,16})?(?:@[a-z]{1,16})?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,31}")
_PEM = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]{1,40})-----\n(?P<body>[A-Za-z0-9+/=\n]+)-----END (?P=kind)-----(?:\n|$)"
)
_KINDS = {"certificate": ("CERTIFICATE",), "request": ("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")}


@dataclass(frozen=True)
class Unit:
    """A unit's serial number, addresses by interface, locale, its certificate with the chain, or the
    request for one, in PEM, and values of the product's own. No member is secret.
    """

    serial: str
    macs: Mapping[str, str] = field(default_factory=dict)
    locale: Optional[str] = None
    certificate: Optional[str] = None
    request: Optional[str] = None
    values: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_serial(self.serial)
        _check_addresses(self.macs)
        if self.locale is not None and not _LOCALE.fullmatch(self.locale):
            raise FormatError(f"{_shown(self.locale)} is not a locale", hint="use one such as de_DE.UTF-8")
        for name in _KINDS:
            if (text := getattr(self, name)) is not None:
                _check_pem(name, text)
        _check_values(self.values)

    @classmethod
    def parse(cls, data: bytes, *, what: str = PATH) -> Unit:
        """Raises FormatError."""
        if len(data) > MAX_BYTES:
            raise LimitError(f"{what} has more than the {MAX_BYTES} bytes of a unit's record")
        found = cjson.load_object(data, what=what)
        for name in found:
            if name not in MEMBERS:
                raise names.unknown(name, MEMBERS, what=f"member of {what}:")
        if found.pop("#spec", None) != SPEC:
            raise FormatError(f"{what} is not a record of {SPEC}")
        for name, value in found.items():
            _check_type(name, value, what)
        if "serial" not in found:
            raise FormatError(f"{what} has no serial")
        return cls(**found)

    def dumps(self) -> bytes:
        """The record in the file. Raises LimitError where it is too long."""
        found: dict[str, Any] = {"#spec": SPEC, "serial": self.serial}
        for name in MEMBERS[2:]:
            if value := getattr(self, name):
                found[name] = dict(value) if isinstance(value, Mapping) else value
        text = cjson.dumps(found)
        if len(text) > MAX_BYTES:
            raise LimitError(f"the record of {self.serial} has more than {MAX_BYTES} bytes")
        return text


def check_serial(serial: str) -> str:
    """Raises FormatError."""
    if not _SERIAL.fullmatch(serial):
        raise FormatError(
            f"{_shown(serial)} is not a serial number",
            hint="use 1 to 64 letters, digits, dots, dashes and underscores, first a letter or digit",
        )
    return serial


def _check_addresses(macs: Mapping[str, str]) -> None:
    if len(macs) > MAX_ADDRESSES:
        raise LimitError(f"{len(macs)} addresses are more than the {MAX_ADDRESSES} of a unit")
    for interface, mac in macs.items():
        if not _INTERFACE.fullmatch(interface):
            raise FormatError(
                f"{_shown(interface)} is not the name of an interface", hint="use one such as eth0"
            )
        if not _MAC.fullmatch(mac) or int(mac[:2], 16) & 1 or mac == "00:00:00:00:00:00":
            raise FormatError(
                f"{_shown(mac)} is not an address of one interface",
                hint="use one such as 02:00:5e:10:00:01",
            )
    if len(set(macs.values())) < len(macs):
        raise FormatError("two interfaces have the same address", hint="give each its own")


def _check_values(values: Mapping[str, str]) -> None:
    if len(values) > MAX_VALUES:
        raise LimitError(f"{len(values)} values are more than the {MAX_VALUES} of a unit")
    for name, value in values.items():
        if not _NAME.fullmatch(name):
            raise FormatError(f"{_shown(name)} is not the name of a value", hint="use one such as colour")
        if len(value) > MAX_TEXT or not value.isprintable():
            raise FormatError(
                f'value "{name}" is longer than {MAX_TEXT} characters, or not one line of text'
            )


def _check_pem(name: str, text: str) -> None:
    """Whole PEM of the right kind and nothing else: never a key next to it."""
    at = count = 0
    while len(text) <= MAX_PEM and (block := _PEM.match(text, at)) and block["kind"] in _KINDS[name]:
        try:
            base64.b64decode(block["body"].replace("\n", ""), validate=True)
        except binascii.Error:
            break
        at, count = block.end(), count + 1
    most = MAX_CERTIFICATES if name == "certificate" else 1
    if at != len(text) or not 1 <= count <= most:
        raise FormatError(
            f"the {name} is not PEM of {_KINDS[name][0]} alone",
            hint=f"give 1 to {most} blocks of at most {MAX_PEM} bytes together, and no private key",
        )


def _check_type(name: str, value: Any, what: str) -> None:
    if name in ("macs", "values"):
        good = isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    else:
        good = isinstance(value, str)
    if not good:
        raise FormatError(f"{what}: {name} has the wrong type")


def _shown(text: str) -> str:
    return repr(text[:80])
