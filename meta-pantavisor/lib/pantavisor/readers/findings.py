# SPDX-License-Identifier: MIT
"""What is wrong with an artefact. Every problem is one finding with a code for programs and a sentence for
people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Optional

from ..errors import PantavisorError

MAX_FINDINGS = 1000


def printable(text: str) -> str:
    """``text`` with what could bend a terminal (escape sequences, line ends) spelled out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "replace").decode() for char in text
    )


class Damaged(PantavisorError):
    """Raised by readers where they cannot go on; becomes a finding."""


@dataclass(frozen=True)
class Finding:
    """One problem: a code, the place (partition, path, object), a sentence, and perhaps what to do."""

    code: str
    where: str
    sentence: str
    hint: Optional[str] = None

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence} [{self.code}]"

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "hint": self.hint, "sentence": self.sentence, "where": self.where}


@dataclass
class Findings:
    """A list that grows; past MAX_FINDINGS it only records that there are more."""

    items: list[Finding] = field(default_factory=list)
    dropped: int = 0

    def add(self, code: str, where: str, sentence: str, hint: Optional[str] = None) -> None:
        if len(self.items) >= MAX_FINDINGS:
            if not self.dropped:
                self.items.append(
                    Finding(
                        "more", "report", f"more than {MAX_FINDINGS} problems; the others are not listed"
                    )
                )
            self.dropped += 1
        else:
            self.items.append(Finding(code, printable(where), printable(sentence), hint))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)
