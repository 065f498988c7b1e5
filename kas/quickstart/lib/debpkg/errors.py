# SPDX-License-Identifier: MIT
"""The one error of this package: a sentence, and a hint that shows the way out."""

from __future__ import annotations


class DebError(Exception):
    """A failure that the user can correct."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n  hint: {hint}")
