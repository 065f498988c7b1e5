# SPDX-License-Identifier: MIT
"""The revisions of a storage tree: where they are stored, and the texts of their states."""

from __future__ import annotations

import re

from .findings import Damaged, Findings
from .target import MAX_SMALL_FILE, Storage, read_small

MAX_TEXTS = 128 * 1024 * 1024  # bytes of the states of all revisions; links could make one state many
REVISION_PATH = re.compile(r"trails/([0-9]+|locals/[^/]+)/(.+)", re.DOTALL)  # the revision, a path in it


def revision_texts(storage: Storage, findings: Findings) -> dict[str, bytes]:
    """The text of each revision's state, by revision."""
    texts = {}
    left = MAX_TEXTS
    for path, entry in sorted(storage.entries.items()):
        match = REVISION_PATH.fullmatch(path)
        if match and match.group(2) == ".pvr/json" and entry.kind == "file":
            try:
                texts[match.group(1)] = read_small(storage, entry, limit=min(left, MAX_SMALL_FILE))
                left -= entry.size
            except Damaged as error:
                findings.add("state", path, error.message)
    if not texts:
        findings.add(
            "trail",
            "trails",
            "there is no revision",
            "name a tree with revisions: trails/<n> with its .pvr/json",
        )
    return texts
