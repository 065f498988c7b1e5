"""Whether the signatures of a state are true, by someone trusted, and cover what they must."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Optional

from .. import pvs
from ..errors import SignatureError
from ..pvs import Coverage, Signature
from ..state import State
from .algorithms import verify_bytes
from .trust import TrustStore


def verify_signature(signature: Signature, state: State, trust: TrustStore, *, at: Optional[datetime.datetime] = None) -> None:
    """Raise SignatureError, naming the signature, unless it is true and by someone trusted."""
    what = f"signature {signature.path}"
    if (signature.x5c and trust.roots) or not trust.keys:
        # Before the patterns: whom nobody vouches for makes no work.
        leaf = trust.leaf(signature.x5c, what=what, at=at)
        data = signature.signing_input(state)
        verify_bytes(leaf.public_key(), signature.algorithm, signature.signature, data, what=what)
        return
    data = signature.signing_input(state)
    failure: Optional[SignatureError] = None
    for key in trust.keys:
        try:
            return verify_bytes(key, signature.algorithm, signature.signature, data, what=what)
        except SignatureError as error:
            failure = error
    assert failure is not None
    raise failure


def verify_state(
    state: State,
    trust: TrustStore,
    *,
    strict: bool,
    at: Optional[datetime.datetime] = None,
    only: Iterable[str] = (),
) -> Coverage:
    """Check signatures (all by default); with ``strict`` every path must be seen by one. Returns what is covered."""
    found = pvs.named(pvs.signatures(state), only)
    for signature in found:
        verify_signature(signature, state, trust, at=at)
    result = pvs.coverage(state, found)
    return pvs.require_full(result) if strict else result
