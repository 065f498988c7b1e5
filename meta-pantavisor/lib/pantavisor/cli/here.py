# SPDX-License-Identifier: MIT
"""The repository that a command works in: the one around the current directory, if it is the user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Optional

from ..repo import Owners, Repository


def repository(start: Optional[Path] = None) -> Repository:
    """Raises NotFound where there is none, PantavisorError for another user's."""
    return Repository.find(start or Path("."), Owners.of(os.geteuid(), os.environ))
