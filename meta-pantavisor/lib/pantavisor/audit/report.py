# SPDX-License-Identifier: MIT
"""What the verifier found. Every problem is one finding with a code for programs and a sentence for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from ..errors import PantavisorError

MAX_FINDINGS = 1000
# How a target was checked, the most demanding first.
STRICT, SIGNED = "strictly", "every part signed by a trusted root"
LAX, UNTRUSTED = "what is signed, by a trusted root", "trusting nobody"
SHOWN = 20


def printable(text: str) -> str:
    """``text`` with what could bend a terminal (escape sequences, line ends) spelled out."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape", "replace").decode() for char in text)


class AuditError(PantavisorError):
    """A target with findings."""


class Damaged(PantavisorError):
    """Raised by this package's readers where they cannot go on; becomes a finding."""


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
    """A list that grows; past MAX_FINDINGS it only says that there are more."""

    items: list[Finding] = field(default_factory=list)
    dropped: int = 0

    def add(self, code: str, where: str, sentence: str, hint: Optional[str] = None) -> None:
        if len(self.items) >= MAX_FINDINGS:
            if not self.dropped:
                self.items.append(Finding("more", "report", f"more than {MAX_FINDINGS} problems; the others are not told"))
            self.dropped += 1
        else:
            self.items.append(Finding(code, printable(where), printable(sentence), hint))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)


@dataclass(frozen=True)
class Report:
    """The outcome for one target. ``how`` it was checked is one of the words above.

    ``checked`` counts what was looked at, by kind; ``notes`` are worth knowing, and not problems.
    """

    target: Path
    kind: str
    how: str
    findings: tuple[Finding, ...]
    checked: dict[str, int]
    notes: tuple[Finding, ...] = ()

    @property
    def good(self) -> bool:
        return not self.findings

    def raise_for_findings(self) -> Report:
        """This report if it is good, else AuditError with the first findings."""
        if self.good:
            return self
        lines = [f"  {finding}" for finding in self.findings[:SHOWN]]
        if len(self.findings) > SHOWN:
            lines.append(f"  and {len(self.findings) - SHOWN} more")
        count = f"{len(self.findings)} problem" + ("s" if len(self.findings) > 1 else "")
        hint = next((finding.hint for finding in self.findings if finding.hint), None)
        raise AuditError("\n".join([f"{self.target} has {count}:", *lines]), hint=hint)

    def __str__(self) -> str:
        kinds = ("bytes", "objects", "revisions", "containers", "signatures")
        counts = ", ".join(f"{self.checked.get(name, 0)} {name}" for name in kinds)
        return f"{self.target}: {self.kind}, {len(self.findings)} problems; checked {self.how}: {counts}"

    def as_json(self) -> dict[str, Any]:
        return {
            "checked": dict(sorted(self.checked.items())),
            "findings": [finding.as_json() for finding in self.findings],
            "good": self.good,
            "kind": self.kind,
            "notes": [note.as_json() for note in self.notes],
            "strict": self.how == STRICT,
            "target": str(self.target),
            "trusted": self.how != UNTRUSTED,
            "unsigned_allowed": self.how in (LAX, UNTRUSTED),
        }
