# SPDX-License-Identifier: MIT
"""How an image was packed. src.json records it: two builds whose bytes differ compare this first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from .profile import BLOCK_BYTES


@dataclass(frozen=True)
class PackRecord:
    """A codec with its level and branch filter, the ``version`` of its library, such as "liblzma 5.4.1",
    and the size of blocks.
    """

    codec: str
    level: Optional[int]
    version: str
    branch_filter: Optional[str] = None
    block_bytes: int = BLOCK_BYTES

    @classmethod
    def parse(cls, document: object) -> Optional[PackRecord]:
        """What ``document`` records, or None for anything else: it is a note, and nothing depends on it."""
        if not isinstance(document, Mapping):
            return None
        codec, level, version = (document.get(member) for member in ("codec", "level", "version"))
        branch_filter, block_bytes = document.get("filter"), document.get("block", BLOCK_BYTES)
        if (
            not isinstance(codec, str)
            or not isinstance(version, str)
            or not isinstance(branch_filter, (str, type(None)))
            or not isinstance(block_bytes, int)
        ):
            return None
        level = level if isinstance(level, int) else None
        return cls(codec, level, version, branch_filter, block_bytes)

    def document(self) -> dict[str, Any]:
        """The JSON object; what does not apply is left out, and the usual size of blocks."""
        values = {
            "block": None if self.block_bytes == BLOCK_BYTES else self.block_bytes,
            "codec": self.codec,
            "filter": self.branch_filter,
            "level": self.level,
            "version": self.version,
        }
        return {member: value for member, value in values.items() if value is not None}

    def differs_in_version(self, other: PackRecord) -> bool:
        """Whether another version of the library did what is otherwise the same."""
        return replace(self, version=other.version) == other != self

    def __str__(self) -> str:
        level = "" if self.level is None else f" level {self.level}"
        branches = f" with filter {self.branch_filter}" if self.branch_filter else ""
        blocks = "" if self.block_bytes == BLOCK_BYTES else f" in blocks of {self.block_bytes // 1024} KiB"
        return f"{self.codec}{level}{branches}{blocks}, {self.version}"
