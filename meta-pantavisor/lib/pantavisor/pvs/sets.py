# SPDX-License-Identifier: MIT
"""The set signature: it signs all other signatures, with the number of the release.

Each part's signature holds for that part alone: a state without its firewall, or with a part of the release
before, verifies as well. The set signature, ``_sigs/_set.json``, is one like others whose patterns mean
``_sigs/**`` and whose header has ``"release":N`` next to them. Published readers verify it as they do any
other, and pass over the number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from ..errors import FormatError, SignatureError
from ..state import State
from .patterns import Selection
from .signature import FOLDER, MAX_RELEASE, Signature, is_signature, signatures

SET = "_set"  # no container can have that name
PATH = f"{FOLDER}{SET}.json"


def set_selection() -> Selection:
    return Selection((f"{FOLDER}**",), (PATH,))


def next_release(state: State, wanted: Optional[int] = None) -> int:
    """``wanted``, or one more than the state's. Raises FormatError for a number that cannot be, or that
    falls.
    """
    before = max(
        (signature.release or 0 for signature in signatures(state) if signature.path == PATH), default=0
    )
    release = before + 1 if wanted is None else wanted
    if not 1 <= release <= MAX_RELEASE:
        raise FormatError(f"{release} is not the number of a release", hint=f"use 1 to {MAX_RELEASE}")
    if release < before:
        raise FormatError(f"the state is release {before} already", hint="use a higher number")
    return release


def check_set(state: State, found: Iterable[Signature]) -> Optional[Signature]:
    """The set signature among ``found``, or None. Raises SignatureError for a second one, or one that
    leaves out others.
    """
    sets = [signature for signature in found if signature.release is not None]
    if len(sets) > 1:
        raise SignatureError(f"{sets[0].path} and {sets[1].path} are both signatures of a set")
    for signature in sets:
        for path, value in state.items():
            if (
                path != signature.path
                and is_signature(path, value)
                and not signature.selection.covers(path)
            ):
                raise SignatureError(f"signature {signature.path} is that of a set and leaves out {path}")
    return sets[0] if sets else None


def require_set(state: State, found: Iterable[Signature]) -> Signature:
    """The set signature; SignatureError if there is none."""
    signature = check_set(state, found)
    if signature is None:
        raise SignatureError(
            "no set signature binds the parts together", hint="sign the set of them: pvr sig set"
        )
    return signature
