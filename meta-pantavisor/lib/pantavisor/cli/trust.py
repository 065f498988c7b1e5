# SPDX-License-Identifier: MIT
"""What signatures are checked against: what the options give, else what the environment gives."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Optional

from .. import cjson, keys, regular
from ..errors import PantavisorError
from ..pvs import Signers

CACERTS_VARIABLE = "PVR_SIG_CACERTS"
PUBKEY_VARIABLE = "PVR_SIG_PUBKEY"


def declare_demands(parser: argparse.ArgumentParser) -> None:
    """What may be asked of signatures that are true: that the right ones signed, and all together."""
    parser.add_argument(
        "--signers", type=Path, metavar="JSON", help="table of who may sign what, as devices have it"
    )
    parser.add_argument(
        "--set", dest="needs_set", action="store_true", help="a set signature must bind the parts together"
    )


def trusted(
    roots: Optional[Path], public_keys: Optional[Path], *, default: Optional[Path] = None
) -> Optional[bytes]:
    """Root certificates and public keys in PEM form, those of ``default`` where nothing is given."""
    if not roots and not public_keys:
        roots, public_keys = _named(CACERTS_VARIABLE), _named(PUBKEY_VARIABLE)
    if not roots and not public_keys:
        roots = default
    return keys.trusted(roots, public_keys)


def signers_of(path: Optional[Path], trust: Optional[bytes]) -> Optional[Signers]:
    """The table of signers in a file, or None where none is named."""
    if path is None:
        return None
    if trust is None:
        raise PantavisorError(
            "without trusted roots it is not known who signs", hint="add --trust PEM to --signers"
        )
    return Signers.parse(regular.read(path, limit=cjson.MAX_BYTES, pipe=True), what=str(path))


def _named(variable: str) -> Optional[Path]:
    value = os.environ.get(variable)
    return Path(value) if value else None
