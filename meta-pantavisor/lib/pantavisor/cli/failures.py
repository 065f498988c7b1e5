# SPDX-License-Identifier: MIT
"""What the system refuses, in a sentence with a hint."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Optional

from ..atomic import target_name
from ..errors import PantavisorError

HINTS = {
    errno.EACCES: "check its owner and the rights of this user",
    errno.EPERM: "check its owner and the rights of this user",
    errno.EROFS: "mount it writable, or name another directory",
    errno.ENOSPC: "make room and do it again",
    errno.EDQUOT: "make room and do it again",
    errno.ENOENT: "check the spelling",
}
# Folders where things are made, in the repository's own folder and elsewhere.
SCRATCH_NAMES = frozenset(["scratch", "writing", "making", "revision"])


def explain(error: OSError) -> Optional[PantavisorError]:
    """The user's error, or None for one that may be ours."""
    if error.filename is None and error.errno is None:
        return None
    where = f"{_shown(str(error.filename))}: " if error.filename else ""
    return PantavisorError(f"{where}{error.strerror}", hint=HINTS.get(error.errno or 0))


def _shown(name: str) -> str:
    """The file that is meant, not the one next to it."""
    path = Path(name)
    meant = target_name(path.name)
    if meant is None:
        return name
    return str(path.parent if meant in SCRATCH_NAMES else path.parent / meant)
