# SPDX-License-Identifier: MIT
"""``_sigs/<name>.json``: a flattened JWS with a detached payload and a header that selects what is covered.

The text of the header is signed as it is, so member order and blanks are free;
both pattern lists must be given, since devices follow them unseen.

Source: docs/formats/signature.md; RFC 7515, sections 5 and 7.2.2, and appendix F for the payload.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import cjson, names
from ..errors import FormatError, LimitError
from ..state import State
from .patterns import HEADER_WORDS, Selection, check_work

SPEC = "pvs@2"
TYPE = "PVS"
ALGORITHMS = ("RS256", "ES256", "ES384", "ES512")
FOLDER = names.SIGNATURES
MAX_SIGNATURES = 256  # each is held against every path
MAX_PROTECTED_CHARS = 256 * 1024
MAX_SIGNATURE_CHARS = 4096
MAX_CERTIFICATES = 8
MAX_RELEASE = 2**31 - 1


@dataclass(frozen=True)
class Signature:
    """One signature, taken apart and checked for form, not yet for truth. ``path`` is where it lies
    in the state; ``release`` is the number that the signature of a set has, see ``sets``.
    """

    path: str
    protected: str
    signature: bytes
    algorithm: str
    selection: Selection
    x5c: tuple[bytes, ...]
    release: Optional[int] = None

    @property
    def name(self) -> str:
        """``nginx`` of ``_sigs/nginx.json``; the whole path where it lies elsewhere."""
        return self.path[len(FOLDER) : -len(".json")] if self.path.startswith(FOLDER) else self.path

    @classmethod
    def parse(cls, path: str, value: Any) -> Signature:
        """``value`` is the inline JSON at ``path``; raises FormatError naming it."""
        if not isinstance(value, Mapping) or value.get("#spec") != SPEC:
            raise FormatError(f"signature {path} is not a {SPEC} object")
        protected, signature = value.get("protected"), value.get("signature")
        if not isinstance(protected, str) or not isinstance(signature, str):
            raise FormatError(f"signature {path} lacks its protected header or its signature")
        if len(protected) > MAX_PROTECTED_CHARS or len(signature) > MAX_SIGNATURE_CHARS:
            raise LimitError(f"signature {path} is larger than any real one")
        header = _header(decode(protected, f"signature {path}"), f"header of signature {path}")
        return cls(
            path=path,
            protected=protected,
            signature=decode(signature, f"signature {path}"),
            algorithm=str(header["alg"]),
            selection=_selection(header.get("pvs"), f"signature {path}"),
            x5c=read_chain(header.get("x5c", []), f"signature {path}"),
            release=_release(header.get("pvs"), decode(protected, path).decode(), f"signature {path}"),
        )

    def signing_input(self, state: State) -> bytes:
        return signing_input(state, self.selection, self.protected)


def protected_header(
    selection: Selection, *, algorithm: str, x5c: Iterable[bytes], release: Optional[int] = None
) -> str:
    """The header text; ``x5c`` are DER certificates, leaf first, or none."""
    patterns: dict[str, Any] = {"include": list(selection.include), "exclude": list(selection.exclude)}
    if release is not None:
        patterns["release"] = release
    header: dict[str, Any] = {"alg": algorithm, "pvs": patterns, "typ": TYPE}
    chain = [base64.b64encode(der).decode() for der in x5c]
    if chain:  # an empty list is an error to devices
        header["x5c"] = chain
    return encode(cjson.dumps(header))


def signature_json(protected: str, signature: bytes) -> dict[str, str]:
    return {"#spec": SPEC, "protected": protected, "signature": encode(signature)}


def payload(state: State, selection: Selection) -> bytes:
    """The canonical JSON of the covered paths. Raises FormatError where devices would select others."""
    check_work([selection.cost()], state)
    for path in state:
        selection.check_readings(path)
    return cjson.dumps({path: value for path, value in state.items() if selection.covers(path)})


def signing_input(state: State, selection: Selection, protected: str) -> bytes:
    return f"{protected}.{encode(payload(state, selection))}".encode()


def signatures(state: State) -> tuple[Signature, ...]:
    """Every signature of a state, wherever it lies, as the device finds them; sorted by path.

    Raises LimitError.
    """
    found = [(path, value) for path, value in state.items() if is_signature(path, value)]
    if len(found) > MAX_SIGNATURES:
        raise LimitError(f"the state has {len(found)} signatures, more than the {MAX_SIGNATURES} allowed")
    parsed = tuple(Signature.parse(path, value) for path, value in found)
    check_work((signature.selection.cost() for signature in parsed), state)
    return parsed


def named(found: Iterable[Signature], words: Iterable[str]) -> tuple[Signature, ...]:
    """Those of ``found`` that ``words`` name, by part or by path;
    all of them without any. Raises FormatError.
    """
    found, words = tuple(found), frozenset(words)
    known = {word for signature in found for word in (signature.name, signature.path)}
    for word in sorted(words - known):
        raise names.unknown(word, {signature.name for signature in found}, what="signature")
    return tuple(signature for signature in found if not words or words & {signature.name, signature.path})


def is_signature(path: str, value: Any) -> bool:
    """Whether a device takes the file for a signature."""
    return path.startswith(FOLDER) or (isinstance(value, Mapping) and value.get("#spec") == SPEC)


def encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str, what: str) -> bytes:
    """The bytes of base64url text without padding; FormatError naming ``what`` for anything else."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{what} is not base64url") from error
    # Python skips foreign characters and spare bits; a signature has one spelling.
    if encode(data) != text:
        raise FormatError(f"{what} is not base64url without padding")
    return data


def _header(data: bytes, where: str) -> dict[str, Any]:
    header = cjson.load_object(data, what=where, unique=True)
    # RFC 7515, 4.1.11: what is marked critical and not understood must be refused.
    if "crit" in header:
        raise FormatError(f"{where} needs extensions that are not known")
    if header.get("typ") != TYPE or header.get("alg") not in ALGORITHMS:
        raise FormatError(f"{where} has typ {header.get('typ')!r:.40} and alg {header.get('alg')!r:.40}")
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', data.decode("utf-8"))
    for word in HEADER_WORDS:
        if strings.count(f'"{word}"') > 1:
            raise FormatError(f'{where} holds the word "{word}" more than once, which devices misread')
    return header


def _selection(value: Any, where: str) -> Selection:
    def patterns(name: str) -> tuple[str, ...]:
        items = value.get(name) if isinstance(value, Mapping) else None
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise FormatError(f"{where} has no list of patterns pvs.{name}")
        return tuple(items)

    return Selection(patterns("include"), patterns("exclude"))


def _release(value: Any, text: str, where: str) -> Optional[int]:
    if not isinstance(value, Mapping) or "release" not in value:
        return None
    # Once, and by its digits: what reads numbers in other ways agrees on nothing else.
    found = re.findall(r'"release"\s*:\s*([0-9]{1,10})\s*[,}]', text)
    if text.count('"release"') != 1 or len(found) != 1 or not 1 <= int(found[0]) <= MAX_RELEASE:
        raise FormatError(f"{where} has a release that is not a number from 1 to {MAX_RELEASE}")
    return int(found[0])


def read_chain(value: Any, where: str) -> tuple[bytes, ...]:
    """The DER certificates of a header's x5c. Raises FormatError."""
    if (
        not isinstance(value, list)
        or len(value) > MAX_CERTIFICATES
        or not all(isinstance(item, str) for item in value)
    ):
        raise FormatError(
            f"{where} has an x5c that is not a list of at most {MAX_CERTIFICATES} certificates"
        )
    try:
        chain = tuple(base64.b64decode(item, validate=True) for item in value)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{where} has an x5c that is not base64") from error
    # One spelling: no spare bits, no text after the end.
    if [base64.b64encode(der).decode() for der in chain] != value:
        raise FormatError(f"{where} has an x5c that is not base64")
    return chain
