# SPDX-License-Identifier: MIT
"""The verdict on one target: its findings, how it was checked, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import PantavisorError
from ..readers import Finding

# How a target was checked, the most demanding first.
STRICT, SIGNED = "strictly", "every part signed by a trusted root"
LAX, UNTRUSTED = "what is signed, by a trusted root", "without trusted roots"
SHOWN = 20


class AuditError(PantavisorError):
    """A target with findings."""


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

    def named(self, target: Path) -> Report:
        """The same by the name that users know, where a file was verified before it took it."""
        return replace(self, target=target)

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
