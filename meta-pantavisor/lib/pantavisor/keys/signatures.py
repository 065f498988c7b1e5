# SPDX-License-Identifier: MIT
"""Signatures of a state: made at once, or in two steps where the key is elsewhere; and whether they are
true.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Optional, Protocol

from .. import names, pvs
from ..errors import FormatError, SignatureError
from ..pvs import Coverage, Selection, Signature, Signers
from ..state import State
from . import x509
from .algorithms import raw_ecdsa, verify_bytes, verify_made
from .publickey import PublicKey, is_rsa
from .trust import TrustStore


class Signer(Protocol):
    """Whatever can sign: a key file, a token, a command."""

    @property
    def algorithm(self) -> str:
        """RS256, ES256, ES384 or ES512."""

    @property
    def x5c(self) -> tuple[bytes, ...]:
        """DER certificates, leaf first."""

    @property
    def public(self) -> PublicKey:
        """The public half of what signs."""

    def sign(self, data: bytes) -> bytes:
        """The raw JWS signature of ``data``."""


def sign_state(state: State, name: str, selection: Selection, signer: Signer) -> State:
    """The state with ``_sigs/<name>.json`` made again. The signature never covers itself.
    Raises FormatError.
    """
    return _sign(state, _path(name), selection, signer)


def sign_set(state: State, signer: Signer, release: int) -> State:
    """The state with a signature over all its others, as the release of that number. Raises FormatError."""
    return _sign(state, _path(pvs.SET), pvs.set_selection(), signer, release)


def resign(state: State, signer: Signer, only: Iterable[str] = ()) -> State:
    """Signatures (all by default) made again over the same selections, after a change of files or keys.

    Raises FormatError.
    """
    left = pvs.named(pvs.signatures(state), only)
    while left:
        # One that covers others must come after them.
        ready = next((one for one in left if not _covers_any(one, left)), None)
        if ready is None:
            paths = " and ".join(one.path for one in left)
            raise FormatError(
                f"{paths} cover each other, so one is always wrong",
                hint="sign one of them by other patterns",
            )
        state = _sign(state, ready.path, ready.selection, signer, ready.release)
        left = tuple(one for one in left if one is not ready)
    return state


def signing_request(
    state: State,
    name: str,
    selection: Selection,
    *,
    algorithm: Optional[str] = None,
    x5c: Sequence[bytes],
    release: Optional[int] = None,
) -> bytes:
    """The bytes to be signed elsewhere; the signer sees the whole header and payload in base64url.

    The algorithm is the certificate's; without one, it must be given. Raises FormatError where the two
    differ, SignatureError for a leaf that cannot sign.
    """
    path = _path(name)
    selection = _covering(state, path, selection)
    of_key = _leaf_key(x5c[0], path).algorithm if x5c else algorithm
    if of_key is None:
        raise FormatError(
            "without a certificate it is not known by what algorithm the key signs",
            hint="give the algorithm, or a certificate",
        )
    if algorithm not in (None, of_key):
        raise FormatError(f"the key of the certificate is for {of_key}, not for {algorithm}")
    protected = pvs.protected_header(selection, algorithm=of_key, x5c=x5c, release=release)
    Signature.parse(path, pvs.signature_json(protected, b""))
    return pvs.signing_input(state, selection, protected)


def attach(state: State, name: str, request: bytes, signature: bytes) -> State:
    """The state with the signature that was made elsewhere over ``request``; ECDSA may be r||s or DER.

    Raises FormatError for what is not a request, SignatureError if the state changed since, or if the
    signature is not by the request's own certificate.
    """
    path = _path(name)
    protected = request.partition(b".")[0].decode("ascii", "replace")
    parsed = Signature.parse(path, pvs.signature_json(protected, signature))
    if not parsed.selection.excludes(path):
        raise SignatureError(f"{path}: the request was made for another signature", hint="name that one")
    if parsed.signing_input(state) != request:
        raise SignatureError(
            f"{path}: the state changed since the request was made", hint="make a new request"
        )
    if not is_rsa(parsed.algorithm):
        signature = raw_ecdsa(signature, parsed.algorithm)
    if parsed.x5c:
        verify_made(
            _leaf_key(parsed.x5c[0], path),
            parsed.algorithm,
            signature,
            request,
            what=f"what was given for {path}",
        )
    return state.with_files({path: pvs.signature_json(protected, signature)})


def verify_signature(
    signature: Signature,
    state: State,
    trust: TrustStore,
    *,
    at: Optional[datetime.datetime] = None,
    signers: Optional[Signers] = None,
) -> None:
    """Raise SignatureError, naming the signature, unless it is true, by someone trusted, and as ``signers``
    allow.
    """
    _verify(signature, state, trust, at)
    if signers is not None:
        signers.check(trust.identity(signature.x5c), signature, state)


def _verify(signature: Signature, state: State, trust: TrustStore, at: Optional[datetime.datetime]) -> None:
    what = f"signature {signature.path}"
    if (signature.x5c and trust.roots) or not trust.keys:
        # Before the patterns: an untrusted signer causes no work.
        leaf = trust.leaf(signature.x5c, what=what, at=at)
        data = signature.signing_input(state)
        verify_bytes(leaf.key, signature.algorithm, signature.signature, data, what=what)
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
    """Check signatures (all by default); with ``strict`` all that a device reads must be signed, with
    ``needs_set`` the set of signatures too. Returns what is covered.
    """
    found = pvs.named(pvs.signatures(state), only)
    for signature in found:
        verify_signature(signature, state, trust, at=at, signers=signers)
    (pvs.require_set if needs_set else pvs.check_set)(state, found)
    result = pvs.coverage(state, found)
    return pvs.require_full(state, result) if strict else result


def _sign(
    state: State, path: str, selection: Selection, signer: Signer, release: Optional[int] = None
) -> State:
    selection = _covering(state, path, selection)
    protected = pvs.protected_header(selection, algorithm=signer.algorithm, x5c=signer.x5c, release=release)
    made = pvs.signature_json(protected, signer.sign(pvs.signing_input(state, selection, protected)))
    Signature.parse(
        path, made
    )  # nothing may be written that no reader takes, such as a chain of too many certificates
    return state.with_files({path: made})


def _covers_any(signature: Signature, others: Iterable[Signature]) -> bool:
    return any(signature.selection.covers(other.path) for other in others if other is not signature)


def _covering(state: State, path: str, selection: Selection) -> Selection:
    selection = selection.excluding(path)
    if not any(selection.covers(found) for found in state):
        raise FormatError(
            f"{path} would cover nothing: no path of the state matches", hint="name an existing part"
        )
    return selection


def _path(name: str) -> str:
    if not name:
        raise FormatError("a signature needs a name")
    return names.check_path(names.signature_path(name), what="signature")


def _leaf_key(der: bytes, what: str) -> PublicKey:
    try:
        return x509.read(der).key
    except FormatError as error:
        raise SignatureError(f"{what} carries a damaged certificate") from error
