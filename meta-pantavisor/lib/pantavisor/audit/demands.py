# SPDX-License-Identifier: MIT
"""What is asked of a target in addition to being whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..pvs import Signers


@dataclass(frozen=True)
class Demands:
    """``trust`` are root certificates (PEM) that signatures must lead to, and every part must have one, but
    with ``allow_unsigned``; ``strict``: everything must be signed by someone trusted. ``signers`` lists who
    may sign what, ``needs_set`` asks for a signature over the set of signatures, ``confined`` that every
    container is confined.
    """

    trust: Optional[bytes] = None
    strict: bool = False
    allow_unsigned: bool = False
    signers: Optional[Signers] = None
    needs_set: bool = False
    confined: bool = False
