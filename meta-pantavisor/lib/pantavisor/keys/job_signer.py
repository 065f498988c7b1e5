# SPDX-License-Identifier: MIT
"""The signer that a build's job names."""

from __future__ import annotations

from typing import Optional

from .. import jobs
from ..errors import FormatError
from .command import CommandSigner, words
from .pem import PemSigner
from .pkcs11 import TokenSigner
from .signatures import Signer


def job_signer(signing: jobs.Signing, *, pin: Optional[str] = None) -> Signer:
    """Ready to sign; ``pin`` is the token's, which no job holds. Raises PantavisorError."""
    ways = [way for way in (signing.key, signing.command, signing.module) if way is not None]
    if len(ways) != 1:
        raise FormatError(f"signing has {len(ways)} of key, command and module, and one is expected")
    if signing.key is not None:
        return PemSigner.load(signing.key, signing.x5c)
    if signing.x5c is None:
        raise FormatError("signing has no x5c, so it is not known which key signs")
    if signing.command is not None:
        return CommandSigner.load(words(signing.command, what="command"), signing.x5c)
    assert signing.module is not None
    if not signing.token or not signing.label:
        raise FormatError("signing has a module, and no token with the label of a key on it")
    if pin is None:
        raise FormatError(
            "the token's PIN is not known",
            hint="put it into the environment as PVR_PKCS11_PIN; for BitBake set PVS_PKCS11_PIN_FILE",
        )
    return TokenSigner.load(signing.module, signing.x5c, token=signing.token, label=signing.label, pin=pin)
