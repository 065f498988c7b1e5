# SPDX-License-Identifier: MIT
"""Whether the signatures of a state are true, by someone trusted, and cover what they must."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Optional

from .. import pvs
from ..errors import SignatureError
from ..pvs import Coverage, Signature, Signers
from ..state import State
from .algorithms import verify_bytes
from .trust import TrustStore


def verify_signature(
    signature: Signature,
    state: State,
    trust: TrustStore,
    *,
    at: Optional[datetime.datetime] = None,
    signers: Optional[Signers] = None,
) -> None:
    """Raise SignatureError, naming the signature, unless it is true, by someone trusted, and as ``signers`` allow."""
    _verify(signature, state, trust, at)
    if signers is not None:
        signers.check(trust.identity(signature.x5c), signature, state)


def _verify(signature: Signature, state: State, trust: TrustStore, at: Optional[datetime.datetime]) -> None:
    what = f"signature {signature.path}"
    if (signature.x5c and trust.roots) or not trust.keys:
        # Before the patterns: an untrusted signer causes no work.
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
    signers: Optional[Signers] = None,
    needs_set: bool = False,
) -> Coverage:
    """Check signatures (all by default); with ``strict`` all that a device reads must be signed, with ``needs_set`` the
    set of signatures too. Returns what is covered."""
    found = pvs.named(pvs.signatures(state), only)
    for signature in found:
        verify_signature(signature, state, trust, at=at, signers=signers)
    (pvs.require_set if needs_set else pvs.check_set)(state, found)
    result = pvs.coverage(state, found)
    return pvs.require_full(state, result) if strict else result
