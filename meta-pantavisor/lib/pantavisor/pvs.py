"""What a PVS signature covers and what bytes it signs. Pure: the cryptography is in ``keys``.

A signature is a flattened JWS with a detached payload: the canonical JSON of those top-level members of the state
that an include pattern selects and no exclude pattern removes. Only patterns that the device and the published tool
read alike are accepted: exact paths, ``dir/**``, ``dir/*``, and ``*`` or ``?`` within one segment.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import cjson
from .errors import FormatError, LimitError, SignatureError
from .state import State

SPEC = "pvs@2"
TYPE = "PVS"
ALGORITHMS = ("RS256", "ES256", "ES384", "ES512")
MAX_PATTERNS = 256
MAX_PROTECTED_CHARS = 256 * 1024
# The device finds header members by their name anywhere in the text.
_HEADER_WORDS = frozenset(["typ", "pvs", "alg", "x5c", "include", "exclude"])


@dataclass(frozen=True)
class Selection:
    """Which paths a signature covers: every include adds, then every exclude removes."""

    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.include) + len(self.exclude) > MAX_PATTERNS:
            raise LimitError(f"a signature with more than {MAX_PATTERNS} patterns")
        for pattern in (*self.include, *self.exclude):
            check_pattern(pattern)

    def covers(self, path: str) -> bool:
        return self.mentions(path) and not any(matches(pattern, path) for pattern in self.exclude)

    def mentions(self, path: str) -> bool:
        return any(matches(pattern, path) for pattern in self.include)

    def excludes(self, path: str) -> bool:
        return any(matches(pattern, path) for pattern in self.exclude)


def container_selection(name: str) -> Selection:
    """A container with its config overlay; where it came from is not protected, nor is the signature itself."""
    return Selection((f"{name}/**", f"_config/{name}/**"), (f"{name}/src.json", f"_sigs/{name}.json"))


def bsp_selection() -> Selection:
    """The bsp with what belongs to the whole device."""
    return Selection(("bsp/**", "device.json", "#spec"), ("bsp/src.json", "_sigs/bsp.json"))


def check_pattern(pattern: str) -> str:
    """Refuse what the published tool and the device would read differently."""
    body = pattern[:-3] if pattern.endswith("/**") else pattern
    if not pattern or "**" in body or re.search(r"[\[\]{}\\]", pattern) or pattern in _HEADER_WORDS:
        raise FormatError(
            f'pattern "{pattern[:100]}" is not safe to sign by',
            hint="use exact paths, dir/**, dir/*, or * and ? within one segment",
        )
    return pattern


def matches(pattern: str, path: str) -> bool:
    """Whether a safe pattern selects a path."""
    if pattern.endswith("/**"):
        head = pattern[:-3].split("/")
        parts = path.split("/")
        return len(parts) > len(head) and all(map(_segment, head, parts))
    head, parts = pattern.split("/"), path.split("/")
    return len(parts) == len(head) and all(map(_segment, head, parts))


def _segment(pattern: str, name: str) -> bool:
    # A run of ** inside one segment was refused, so each star stands alone and the match takes linear steps.
    expression = "".join({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(expression, name, re.DOTALL) is not None


@dataclass(frozen=True)
class Signature:
    """One ``_sigs/<name>.json``, taken apart and checked for form, not yet for truth."""

    name: str
    protected: str
    signature: bytes
    algorithm: str
    selection: Selection
    x5c: tuple[bytes, ...]

    @classmethod
    def parse(cls, name: str, value: Any) -> Signature:
        """``value`` is the inline JSON; raises FormatError naming the signature."""
        where = f"signature {name}"
        if not isinstance(value, Mapping) or value.get("#spec") != SPEC:
            raise FormatError(f"{where} is not a {SPEC} object")
        protected, signature = value.get("protected"), value.get("signature")
        if not isinstance(protected, str) or not isinstance(signature, str):
            raise FormatError(f"{where} lacks its protected header or its signature")
        if len(protected) > MAX_PROTECTED_CHARS:
            raise LimitError(f"{where} has a header of more than {MAX_PROTECTED_CHARS} characters")
        header = cjson.load_object(decode(protected, where), what=f"header of {where}")
        if header.get("typ") != TYPE or header.get("alg") not in ALGORITHMS:
            raise FormatError(f"{where} has typ {header.get('typ')!r} and alg {header.get('alg')!r}")
        return cls(
            name=name,
            protected=protected,
            signature=decode(signature, where),
            algorithm=str(header["alg"]),
            selection=_selection(header.get("pvs"), where),
            x5c=_chain(header.get("x5c", []), where),
        )

    def signing_input(self, state: State) -> bytes:
        return signing_input(state, self.selection, self.protected)


def protected_header(selection: Selection, *, algorithm: str, x5c: Iterable[bytes]) -> str:
    """The header text; ``x5c`` are DER certificates, leaf first."""
    header = {
        "alg": algorithm,
        "pvs": {"include": list(selection.include), "exclude": list(selection.exclude)},
        "typ": TYPE,
        "x5c": [base64.b64encode(der).decode() for der in x5c],
    }
    return encode(cjson.dumps(header))


def signature_json(protected: str, signature: bytes) -> dict[str, str]:
    return {"#spec": SPEC, "protected": protected, "signature": encode(signature)}


def payload(state: State, selection: Selection) -> bytes:
    """The canonical JSON of the covered paths."""
    return cjson.dumps({path: value for path, value in state.items() if selection.covers(path)})


def signing_input(state: State, selection: Selection, protected: str) -> bytes:
    return f"{protected}.{encode(payload(state, selection))}".encode()


def signatures(state: State) -> tuple[Signature, ...]:
    """Every signature of a state, wherever it lies, as the device finds them."""
    return tuple(
        Signature.parse(path, value)
        for path, value in state.items()
        if isinstance(value, Mapping) and (value.get("#spec") == SPEC or path.startswith("_sigs/"))
    )


@dataclass(frozen=True)
class Coverage:
    """Paths by what the signatures together say of them; each sorted, none twice."""

    protected: tuple[str, ...]
    excluded: tuple[str, ...]
    unseen: tuple[str, ...]


def coverage(state: State, found: Iterable[Signature]) -> Coverage:
    """What is protected, what is only excluded, and what no signature mentions; ``_sigs/`` itself aside."""
    found = tuple(found)
    protected, excluded, unseen = [], [], []
    for path in state:
        if path.startswith("_sigs/"):
            continue
        if any(signature.selection.covers(path) for signature in found):
            protected.append(path)
        elif any(signature.selection.excludes(path) for signature in found):
            excluded.append(path)
        else:
            unseen.append(path)
    return Coverage(tuple(protected), tuple(excluded), tuple(unseen))


def require_full(result: Coverage) -> Coverage:
    """Raise SignatureError unless every path was seen by a signature."""
    if result.unseen:
        more = f" and {len(result.unseen) - 1} more" if len(result.unseen) > 1 else ""
        raise SignatureError(
            f"state is not fully covered by signatures: {result.unseen[0]}{more}",
            hint="sign the part that it belongs to (pvr sig add --part NAME)",
        )
    return result


def encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str, what: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise FormatError(f"{what} is not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{what} is not base64url") from error


def _selection(value: Any, where: str) -> Selection:
    def patterns(name: str) -> tuple[str, ...]:
        items = value.get(name) if isinstance(value, Mapping) else None
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise FormatError(f"{where} has no list of patterns pvs.{name}")
        return tuple(items)

    return Selection(patterns("include"), patterns("exclude"))


def _chain(value: Any, where: str) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > 8 or not all(isinstance(item, str) for item in value):
        raise FormatError(f"{where} has an x5c that is not a list of at most 8 certificates")
    try:
        return tuple(base64.b64decode(item, validate=True) for item in value)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{where} has an x5c that is not base64") from error
