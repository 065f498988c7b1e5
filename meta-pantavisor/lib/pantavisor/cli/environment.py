# SPDX-License-Identifier: MIT
"""The variables of the environment that are ours, and those that look like a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

PREFIX = "PVR_"
# All that any module reads; docs/pvr.md describes each.
NAMES = frozenset(
    f"{PREFIX}{name}"
    for name in (
        "CACHE_DIR", "CACHE_SIZE", "FROM", "INSECURE_REGISTRIES", "LIBSQUASHFS", "OBJECTS_DIR",
        "PERSISTENCE_VOLUME", "PKCS11_PIN", "PLATFORM", "REGISTRY_MIRRORS", "SAFE_DIRECTORY",
        "SIG_CACERTS", "SIG_KEY", "SIG_PUBKEY", "TEMPLATE_ARG", "X5C_PATH",
    )
)  # fmt: skip
# Where a name is a misspelt one, although others may use the prefix, too. What is only like another word,
# as PVR_PKCS11_TOKEN is like PVR_PKCS11_PIN, must not be taken for it.
_LIKENESS = 0.8
_MAX_EDITS = 2  # characters that are left out, put in or exchanged


def misspelt(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each name that nothing reads, and the one that it is most like."""
    for name in sorted(names):
        if not name.upper().startswith(PREFIX) or name in NAMES:
            continue
        near = difflib.get_close_matches(name.upper(), sorted(NAMES), n=1, cutoff=_LIKENESS)
        if near and _edits(name.upper(), near[0]) <= _MAX_EDITS:
            yield name, near[0]


def _edits(word: str, other: str) -> int:
    steps = difflib.SequenceMatcher(None, word, other).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in steps if tag != "equal")
