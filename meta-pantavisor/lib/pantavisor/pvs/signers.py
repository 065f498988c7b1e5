# SPDX-License-Identifier: MIT
"""The table of signers: who may sign what. The device's is /etc/pantavisor/pvs/signers (``signers.c``),
and this the same.

An entry means a signature whose leaf has that common name, and whose verified path has that certificate:
the leaf, an authority or the root. A signer has the rights of all entries that mean it; who has none may
sign nothing. What belongs to the whole device (the bsp and all that is in no folder) is only for those who
may sign bsp/run.json.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import cjson, names
from ..errors import FormatError, SignatureError
from ..state import State
from .patterns import check_pattern, matches
from .signature import FOLDER, Signature

SPEC = "pantavisor-signers@1"
BSP = "bsp/run.json"
MAX_BYTES = 256 * 1024
MAX_ENTRIES = 64
MAX_PATTERNS = 64  # of one entry
_NAME = re.compile(r"[ -~]{1,127}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MEMBERS = ("name", "sha256", "may")
_FORMS = {
    "name": ("1 to 127 printable ASCII characters", "use the common name of the signer's certificate"),
    "sha256": ("64 lower-case hex digits", "run: openssl x509 -in CERTIFICATE -outform DER | sha256sum"),
}


@dataclass(frozen=True)
class Identity:
    """Who signs: the leaf's common name, empty if it has not exactly one in printable ASCII,
    and the digests of the leaf, the authorities above it and the roots that certify them.
    """

    name: str = ""
    sha256: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SignerEntry:
    """``may`` None: everything. ``name`` or ``sha256`` None: any."""

    name: Optional[str]
    sha256: Optional[str]
    may: Optional[tuple[str, ...]]

    def matches(self, who: Identity) -> bool:
        return self.name in (None, who.name) and (self.sha256 is None or self.sha256 in who.sha256)

    def allows(self, path: str) -> bool:
        return self.may is None or any(matches(pattern, path) for pattern in self.may)


@dataclass(frozen=True)
class Signers:
    """The table."""

    entries: tuple[SignerEntry, ...]

    @classmethod
    def parse(cls, data: bytes, *, what: str = "table of signers") -> Signers:
        """Read the JSON; raises FormatError for anything that the device would refuse."""
        document = cjson.load_object(data, what=what, max_bytes=MAX_BYTES, unique=True)
        if document.get("#spec") != SPEC:
            raise FormatError(f'{what} has no "#spec" of {SPEC}')
        _check_members(document, ("#spec", "signers"), what)
        found = document.get("signers")
        if not isinstance(found, list) or len(found) > MAX_ENTRIES:
            raise FormatError(f'{what} has no list "signers" of at most {MAX_ENTRIES}')
        return cls(
            tuple(_entry(item, f"signer {number} of {what}") for number, item in enumerate(found, 1))
        )

    def may(self, who: Identity, path: str) -> bool:
        """Whether a signature by ``who`` may mean ``path``."""
        if not self._any_allows(who, path):
            return False
        return ("/" in path and not path.startswith("bsp/")) or self._any_allows(who, BSP)

    def check(self, who: Identity, signature: Signature, state: State) -> None:
        """Raise SignatureError unless ``who`` may sign all that the signature means."""
        for path in state:
            covers = signature.selection.covers(path)
            # What is excluded counts as covered; signatures need not be.
            if covers or (_names(signature, path) and not path.startswith(FOLDER)):
                if not self.may(who, path):
                    raise SignatureError(
                        f'signature {signature.path}: its signer "{who.name}" may not sign {path}',
                        hint="see who may in the table of signers (--signers)",
                    )

    def _any_allows(self, who: Identity, path: str) -> bool:
        return any(entry.matches(who) and entry.allows(path) for entry in self.entries)


def _names(signature: Signature, path: str) -> bool:
    return signature.selection.mentions(path) or signature.selection.excludes(path)


def _check_members(document: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for member in document:
        if member not in known:
            raise names.unknown(member, known, what=f"member of {what}:")


def _entry(value: Any, what: str) -> SignerEntry:
    if not isinstance(value, Mapping):
        raise FormatError(f"{what} is not a JSON object")
    _check_members(value, _MEMBERS, what)
    name, digest = (
        _word(value, member, form, what) for member, form in (("name", _NAME), ("sha256", _DIGEST))
    )
    if name is None and digest is None:
        raise FormatError(f'{what} has neither "name" nor "sha256"')
    return SignerEntry(name, digest, _may(value.get("may"), what))


def _word(value: Mapping[str, Any], member: str, form: re.Pattern[str], what: str) -> Optional[str]:
    if member not in value:
        return None
    word = value[member]
    if not isinstance(word, str) or not form.fullmatch(word):
        expected, hint = _FORMS[member]
        raise FormatError(f'{what}: its "{member}" is not {expected}', hint=hint)
    return word


def _may(value: Any, what: str) -> Optional[tuple[str, ...]]:
    if value == "all":
        return None
    if (
        not isinstance(value, list)
        or len(value) > MAX_PATTERNS
        or not all(isinstance(item, str) for item in value)
    ):
        raise FormatError(f'{what}: "may" is neither "all" nor a list of at most {MAX_PATTERNS} patterns')
    return tuple(check_pattern(pattern) for pattern in value)
