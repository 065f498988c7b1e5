# SPDX-License-Identifier: MIT
"""Errors that a user can act on: one sentence, and a hint that shows the way out.

A mistake of the user is a PantavisorError (exit status 2); a bug keeps its traceback (exit status 1).
"""

from __future__ import annotations

from typing import Optional


class PantavisorError(Exception):
    """A failure that the user can correct. ``hint`` is how, or None where the sentence is enough.

    ``message`` is complete by itself; a hint is for a person who has ``pvr``: it names commands and options
    of it, since a task of BitBake that fails is corrected and replayed with these too.
    """

    exit_status = 2

    def __init__(self, message: str, *, hint: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  hint: {self.hint}"


class FormatError(PantavisorError):
    """Input that breaks its format: a state, a manifest, a tar, an image."""


class LimitError(FormatError):
    """Input larger, deeper or more numerous than a named limit allows."""


class DigestError(PantavisorError):
    """Bytes that are not those that their name promises."""


class SignatureError(PantavisorError):
    """A signature that does not verify, is not trusted, or does not cover what it must."""


class NotFound(PantavisorError):
    """Something the user named does not exist."""
