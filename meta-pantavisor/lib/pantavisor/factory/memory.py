# SPDX-License-Identifier: MIT
"""Whether the memory that the containers may take fits into the board."""

from __future__ import annotations

from typing import Optional

from .. import isolation, manifests
from ..errors import FormatError
from ..objects import ObjectPool
from ..state import State
from . import confs


def warnings(state: State, pool: ObjectPool, memory: Optional[int]) -> tuple[str, ...]:
    """Hold the containers' limits against the bytes of ``memory`` that the board has for them, if these are
    known. Raises FormatError.
    """
    if memory is None:
        return ()
    limits = {name: _memory_limit(state, pool, name) for name in state.container_names()}
    unlimited = manifests.check_memory(limits, memory)
    if not unlimited:
        return ()
    return (f"without a limit of memory (PVR_MEMORY), so the sum is not known: {', '.join(unlimited)}",)


def _memory_limit(state: State, pool: ObjectPool, name: str) -> Optional[int]:
    """Raises FormatError. What is only mounted takes none."""
    text = confs.conf(state, pool, name)
    if text is None:
        return 0
    try:
        return manifests.memory_limit(isolation.pairs(text))
    except FormatError as error:
        raise FormatError(f"{name}: {error.message}", hint=error.hint) from error
