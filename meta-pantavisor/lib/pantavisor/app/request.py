# SPDX-License-Identifier: MIT
"""One making of a container: what add and update have in common."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ...container import Engine, parts
from ...manifests import SourceManifest
from ...repo import Repository
from ..console import Console


class Unchanged(Exception):
    """The source is what it was; carries its digest."""


@dataclass(frozen=True)
class Request:
    """What a making needs besides its source. ``old`` is the src.json that an update starts from."""

    repository: Repository
    options: argparse.Namespace
    console: Console
    wanted: SourceManifest
    engine: Engine
    folder: Path
    changes: parts.Changes
    old: Optional[SourceManifest] = None
    is_new: bool = False

    @property
    def name(self) -> str:
        return str(self.options.name)

    def expect_change(self, digest: Optional[str], before: Optional[str]) -> None:
        """Raise Unchanged for an update that would make the same again."""
        if self.old is not None and not (self.options.force or self.changes) and digest is not None and digest == before:
            raise Unchanged(digest)
