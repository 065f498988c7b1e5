"""The repository that a command works in: the one around the current directory, if it is the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from ..repo import Owners, Repository


def repository() -> Repository:
    """Raises NotFound where there is none, PantavisorError for another user's."""
    return Repository.find(Path("."), Owners.of(os.geteuid(), os.environ))
