"""Signing: at once, or in two steps where the key is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from .. import names, pvs
from ..errors import FormatError, SignatureError
from ..pvs import Selection, Signature
from ..state import State
from .algorithms import raw_ecdsa, verify_bytes
from .certificates import damage, read_der


class Signer(Protocol):
    """Whatever can sign: a key file, a token, a command."""

    @property
    def algorithm(self) -> str:
        """RS256, ES256, ES384 or ES512."""

    @property
    def x5c(self) -> tuple[bytes, ...]:
        """DER certificates, leaf first."""

    def sign(self, data: bytes) -> bytes:
        """The raw JWS signature of ``data``."""


def sign_state(state: State, name: str, selection: Selection, signer: Signer) -> State:
    """The state with ``_sigs/<name>.json`` made anew. The signature never covers itself."""
    return _sign(state, _path(name), selection, signer)


def resign(state: State, signer: Signer, only: Iterable[str] = ()) -> State:
    """Signatures (all by default) made anew over the same selections, after a change of files or keys."""
    for signature in pvs.named(pvs.signatures(state), only):
        state = _sign(state, signature.path, signature.selection, signer)
    return state


def signing_request(state: State, name: str, selection: Selection, *, algorithm: str, x5c: Sequence[bytes]) -> bytes:
    """The bytes to be signed elsewhere; whoever signs them sees the whole header and payload in base64url."""
    selection = selection.excluding(_path(name))
    return pvs.signing_input(state, selection, pvs.protected_header(selection, algorithm=algorithm, x5c=x5c))


def attach(state: State, name: str, request: bytes, signature: bytes) -> State:
    """The state with the signature that was made elsewhere over ``request``; ECDSA may be r||s or DER.

    Raises SignatureError if the state changed since, or if the signature is not by the request's own certificate.
    """
    path = _path(name)
    protected = request.partition(b".")[0].decode("ascii", "replace")
    parsed = Signature.parse(path, pvs.signature_json(protected, signature))
    if parsed.signing_input(state) != request:
        raise SignatureError(f"{path}: the state changed since the request was made", hint="make a new request")
    if parsed.algorithm != "RS256":
        signature = raw_ecdsa(signature, parsed.algorithm)
    if parsed.x5c:
        verify_bytes(_leaf_key(parsed.x5c[0], path), parsed.algorithm, signature, request, what=f"signature {path}")
    return state.with_files({path: pvs.signature_json(protected, signature)})


def _sign(state: State, path: str, selection: Selection, signer: Signer) -> State:
    selection = selection.excluding(path)
    if not any(selection.covers(found) for found in state):
        raise FormatError(f"{path} would cover nothing: no path of the state matches", hint="name an existing part")
    protected = pvs.protected_header(selection, algorithm=signer.algorithm, x5c=signer.x5c)
    signature = signer.sign(pvs.signing_input(state, selection, protected))
    return state.with_files({path: pvs.signature_json(protected, signature)})


def _path(name: str) -> str:
    return names.check_path(f"_sigs/{name}.json", what="signature")


def _leaf_key(der: bytes, what: str) -> Any:
    try:
        return read_der(der).public_key()
    except damage() as error:
        raise SignatureError(f"{what} carries a damaged certificate") from error
