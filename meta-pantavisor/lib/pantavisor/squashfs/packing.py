"""How an image was packed. src.json records it: two builds whose bytes differ compare this first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Packing:
    """A codec with its level and branch filters, and the ``version`` of its library, such as "liblzma 5.4.1"."""

    codec: str
    level: Optional[int]
    version: str
    filters: tuple[str, ...] = ()

    @classmethod
    def parse(cls, document: object) -> Optional[Packing]:
        """What ``document`` records, or None for anything else: it is a note, and nothing depends on it."""
        if not isinstance(document, Mapping):
            return None
        codec, level, version = (document.get(member) for member in ("codec", "level", "version"))
        filters = document.get("filters", [])
        if not isinstance(codec, str) or not isinstance(version, str) or not isinstance(filters, (list, tuple)):
            return None
        return cls(codec, level if isinstance(level, int) else None, version, tuple(map(str, filters)))

    def document(self) -> dict[str, Any]:
        """The JSON object; what does not apply is left out."""
        values = {"codec": self.codec, "filters": list(self.filters), "level": self.level, "version": self.version}
        return {member: value for member, value in values.items() if value not in (None, [])}

    def differs_in_version(self, other: Packing) -> bool:
        """Whether another version of the library did what is otherwise the same."""
        ours, theirs = (self.codec, self.level, self.filters), (other.codec, other.level, other.filters)
        return ours == theirs and self.version != other.version

    def __str__(self) -> str:
        level = "" if self.level is None else f" level {self.level}"
        filters = f" with filter {' and '.join(self.filters)}" if self.filters else ""
        return f"{self.codec}{level}{filters}, {self.version}"
