"""What all signatures of a state together say of its paths, as a device in strict mode asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import SignatureError
from ..state import State
from .signature import FOLDER, Signature


@dataclass(frozen=True)
class Coverage:
    """Paths by what the signatures together say of them; each sorted, none twice, ``_sigs/`` itself aside."""

    protected: tuple[str, ...]
    excluded: tuple[str, ...]
    unseen: tuple[str, ...]


def coverage(state: State, found: Iterable[Signature]) -> Coverage:
    """What is protected, what is only excluded, and what no signature mentions."""
    selections = [signature.selection for signature in found]
    protected, excluded, unseen = [], [], []
    for path in state:
        if path.startswith(FOLDER):
            continue
        if any(selection.covers(path) for selection in selections):
            protected.append(path)
        elif any(selection.mentions(path) or selection.excludes(path) for selection in selections):
            excluded.append(path)
        else:
            unseen.append(path)
    return Coverage(tuple(protected), tuple(excluded), tuple(unseen))


def require_full(result: Coverage) -> Coverage:
    """Raise SignatureError, which names them all, unless every path was seen by a signature."""
    if result.unseen:
        raise SignatureError(
            f"state is not fully covered by signatures: {', '.join(result.unseen)}",
            hint="sign the parts that they belong to (pvr sig add --part NAME)",
        )
    return result
