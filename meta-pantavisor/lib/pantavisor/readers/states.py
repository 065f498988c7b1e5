# SPDX-License-Identifier: MIT
"""The states of an artefact, from their texts."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import PantavisorError
from ..state import State
from .findings import Findings


def parse_states(texts: Mapping[str, bytes], findings: Findings) -> dict[str, State]:
    """The states that can be read, by revision; why the others cannot becomes findings."""
    states = {}
    for revision, text in texts.items():
        try:
            states[revision] = State.parse(text, what="state")
        except PantavisorError as error:
            findings.add("state", state_place(revision), error.message, error.hint)
    return states


def state_place(revision: str) -> str:
    """Where findings about the text of a state are;
    exports and repositories have one without a revision.
    """
    return f"revision {revision}" if revision else "json"
