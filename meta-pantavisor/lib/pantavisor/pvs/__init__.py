# SPDX-License-Identifier: MIT
"""What a PVS signature covers and what bytes it signs. Pure: the cryptography is in ``keys``.

A signature is a flattened JWS with a detached payload: the canonical JSON of those top-level members of the
state that an include pattern selects and no exclude pattern removes. It also decides which paths make a
part.

    signature   a signature of the state, as it is stored
    patterns    what of the paths it covers
    coverage    what all of them cover together
    parts       which paths make a part
    signers     who may sign what
    sets        the signature of all signatures, with the number of the release
"""

from __future__ import annotations

from .coverage import Coverage, coverage, is_free, require_full, require_signed, unsigned
from .parts import all_part_names, merge, part_files, part_paths, replace_part
from .patterns import Selection, bsp_selection, check_pattern, container_selection, matches, part_selection
from .sets import SET, check_set, next_release, require_set, set_selection
from .signature import (
    ALGORITHMS,
    MAX_SIGNATURES,
    SPEC,
    Signature,
    decode,
    encode,
    is_signature,
    named,
    payload,
    protected_header,
    read_chain,
    signature_json,
    signatures,
    signing_input,
)
from .signers import BSP, Identity, Signers

__all__ = [
    "ALGORITHMS",
    "BSP",
    "MAX_SIGNATURES",
    "SET",
    "SPEC",
    "Coverage",
    "Identity",
    "Selection",
    "Signature",
    "Signers",
    "bsp_selection",
    "check_pattern",
    "check_set",
    "container_selection",
    "coverage",
    "decode",
    "encode",
    "is_free",
    "is_signature",
    "matches",
    "merge",
    "named",
    "part_files",
    "all_part_names",
    "part_paths",
    "part_selection",
    "next_release",
    "payload",
    "protected_header",
    "read_chain",
    "replace_part",
    "require_full",
    "require_set",
    "require_signed",
    "set_selection",
    "signature_json",
    "signatures",
    "signing_input",
    "unsigned",
]
