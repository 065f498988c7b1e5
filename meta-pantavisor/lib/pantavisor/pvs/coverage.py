# SPDX-License-Identifier: MIT
"""What all signatures of a state together cover of its paths, as a device in strict mode asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import SignatureError
from ..state import State
from .signature import FOLDER, Signature

# Notes for the build tools: left unsigned on purpose.
FREE_NAMES = frozenset(["src.json", "build.json"])
FIT = "bsp/pantavisor.fit"  # its boot loader verifies it
# What a device reads outside of all folders.
DEVICE_FILES = frozenset(["device.json", "groups.json", "disks.json", "disks_v2.json", "disks_v3.json"])
SHOWN = 8  # paths in a sentence
HOST_FOLDER = "_hostconfig/"  # no device reads it


@dataclass(frozen=True)
class Coverage:
    """Paths by what the signatures together make of them;
    each sorted, none twice, ``_sigs/`` itself aside.
    """

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


def is_free(state: State, path: str) -> bool:
    """Whether a path may be left unsigned: such a note of a part, or one outside of the parts."""
    part, _, name = path.partition("/")
    return path in FREE_NAMES or path == FIT or (name in FREE_NAMES and f"{part}/run.json" in state)


def unsigned(state: State, result: Coverage) -> tuple[str, ...]:
    """Paths of the parts that no signature covers, though a device reads them; with a bsp the device's
    own files too.
    """
    whole = "bsp/run.json" in state
    left = sorted((*result.excluded, *result.unseen))
    return tuple(path for path in left if _is_read(path, whole=whole) and not is_free(state, path))


def require_signed(state: State, result: Coverage) -> Coverage:
    """Raise SignatureError, which names the first ones, unless every part is signed."""
    if found := unsigned(state, result):
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise SignatureError(
            f"no signature covers {', '.join(found[:SHOWN])}{more}",
            hint="sign the parts that they belong to (pvr sig add --part NAME), or use --allow-unsigned",
        )
    return result


def _is_read(path: str, *, whole: bool) -> bool:
    return (whole and path in DEVICE_FILES) or ("/" in path and not path.startswith(HOST_FOLDER))


def require_full(state: State, result: Coverage) -> Coverage:
    """Raise SignatureError, which names them all, unless every path is signed, or excluded and no device
    reads it.
    """
    missing = sorted([*result.unseen, *(path for path in result.excluded if not is_free(state, path))])
    if missing:
        raise SignatureError(
            f"state is not fully covered by signatures: {', '.join(missing)}",
            hint="sign the parts that they belong to (pvr sig add --part NAME)",
        )
    return result
