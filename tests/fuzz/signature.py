# SPDX-License-Identifier: MIT
"""Signatures: headers and certificate chains from outside, verified against a root and against the chain's
own end.

The first byte of an input says what the rest is: 0 the protected header; 1 certificates (DER), each behind
its length, in an else good header; 2 the same, and the file of roots holds them too.
"""

from __future__ import annotations

import base64
import json
import re
import struct

from pantavisor import keys, pvs
from pantavisor.errors import PantavisorError
from pantavisor.keys import as_pem, own_root
from pantavisor.pvs import Signature
from pantavisor.state import State

from .target import OBJECT, VECTORS

JSON = True
WORDS = ("alg", "typ", "pvs", "x5c", "include", "exclude", "PVS", "RS256", "ES256", "ES384", "ES512", "**",
         "_sigs/", "\x2a\x06", "\x06\x03\x55\x1d\x13", "\x06\x03\x55\x1d\x0f",
         "\x06\x03\x55\x1d\x25")  # fmt: skip
_LENGTH = struct.Struct("<H")
_SIGNED = [
    State.parse((VECTORS / "states" / f"signed_part_demo_{kind}.json").read_bytes())
    for kind in ("ec256", "rsa2048")
]
_ROOTS = keys.TrustStore.load(VECTORS / "keys/ca.ec256.crt")
_PATH = "_sigs/demo.json"


def one_input(content: bytes) -> None:
    if not content:
        return
    kind, rest = content[0] % 3, content[1:]
    certificates = _certificates(rest) if kind else ()
    for state in _SIGNED:
        header = _header(state)
        if kind:
            header["x5c"] = [base64.b64encode(certificate).decode() for certificate in certificates]
        protected = json.dumps(header).encode() if kind else rest
        signature = {**state[_PATH], "protected": pvs.encode(protected)}
        changed = state.with_files({_PATH: signature, "another": OBJECT})
        try:
            parsed = Signature.parse(_PATH, changed[_PATH])
        except PantavisorError:
            continue
        pem = b"".join(map(as_pem, certificates)) if kind == 2 else own_root(parsed)
        assert not _verified(parsed, changed, _ROOTS) or protected == _plain(state)
        try:
            roots = keys.TrustStore.parse(pem)
        except PantavisorError:
            continue
        _verified(parsed, changed, roots)


def _verified(signature: Signature, state: State, roots: keys.TrustStore) -> bool:
    try:
        keys.verify_signature(signature, state, roots)
    except PantavisorError as error:
        str(error).encode("utf-8", "surrogatepass")
        return False
    return True


def _plain(state: State) -> bytes:
    return pvs.decode(state[_PATH]["protected"], "header")  # type: ignore[index,arg-type,call-overload]


def _header(state: State) -> dict[str, object]:
    header = json.loads(_plain(state))
    assert isinstance(header, dict)
    return header


def _certificates(content: bytes) -> tuple[bytes, ...]:
    found = []
    while len(content) > _LENGTH.size and len(found) < 4:
        end = _LENGTH.size + _LENGTH.unpack_from(content)[0]
        found.append(content[_LENGTH.size : end])
        content = content[end:]
    return tuple(found)


def seeds() -> dict[str, bytes]:
    found = {}
    for index, state in enumerate(_SIGNED):
        chain = [
            base64.b64decode(item)
            for item in _header(state).get("x5c", [])  # type: ignore[attr-defined]
        ]
        found[f"header{index}"] = b"\0" + _plain(state)
        for path in sorted((VECTORS / "keys").glob("ca.*.crt")):
            text = re.sub(r"-----.*?-----", "", path.read_text())
            parts = [*chain, base64.b64decode(text)]
            for kind in (1, 2):
                found[f"{path.stem}{index}{kind}"] = bytes([kind]) + b"".join(
                    _LENGTH.pack(len(part)) + part for part in parts
                )
    return found
