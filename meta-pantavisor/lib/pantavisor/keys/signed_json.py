# SPDX-License-Identifier: MIT
"""Signed JSON: a flattened JWS (RFC 7515) that holds its payload and its signer's certificates."""

from __future__ import annotations

import base64
from typing import Any

from .. import cjson, pvs
from ..errors import FormatError, SignatureError
from .algorithms import verify_bytes
from .signatures import Signer
from .trust import TrustStore

MAX_DOCUMENT_BYTES = 256 * 1024
MEMBERS = {"payload", "protected", "signature"}


def sign_document(payload: dict[str, Any], kind: str, signer: Signer) -> bytes:
    """``payload`` signed, as a document of the type ``kind``. Raises SignatureError."""
    header = {
        "alg": signer.algorithm,
        "typ": kind,
        "x5c": [base64.b64encode(der).decode() for der in signer.x5c],
    }
    protected, body = (pvs.encode(cjson.dumps(value)) for value in (header, payload))
    signature = signer.sign(f"{protected}.{body}".encode())
    document = {"payload": body, "protected": protected, "signature": pvs.encode(signature)}
    return cjson.dumps(document) + b"\n"


def verify_document(data: bytes, kind: str, trust: TrustStore, *, what: str) -> dict[str, Any]:
    """The payload of a signed document of that type. Raises FormatError and SignatureError."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise FormatError(f"{what} has more than {MAX_DOCUMENT_BYTES} bytes")
    document = cjson.load_object(data, what=what)
    if set(document) != MEMBERS or not all(isinstance(text, str) for text in document.values()):
        raise FormatError(f"{what} is not a signed document")
    protected, body = document["protected"], document["payload"]
    header = cjson.load_object(pvs.decode(protected, what), what=f"header of {what}")
    if header.get("typ") != kind or header.get("alg") not in pvs.ALGORITHMS:
        raise FormatError(f"{what} is not a signed document of the type {kind}")
    payload = pvs.decode(body, what)
    leaf = trust.leaf(pvs.read_chain(header.get("x5c", []), what), what=what)
    try:
        verify_bytes(
            leaf.key,
            str(header["alg"]),
            pvs.decode(document["signature"], what),
            f"{protected}.{body}".encode(),
            what=what,
        )
    except SignatureError as error:
        raise SignatureError(f"the signature of {what} is wrong: it was changed, or is damaged") from error
    return cjson.load_object(payload, what=f"payload of {what}")
