# SPDX-License-Identifier: MIT
"""What can go wrong between us and a server."""

from __future__ import annotations

from typing import Optional

from ..errors import PantavisorError


class HttpError(PantavisorError):
    """The server does not give what was asked for. ``temporary``: asking again may help."""

    temporary = False
    retry_after: Optional[float] = None


class Unreachable(HttpError):
    """No connection, no TLS, no whole answer, or an answer too slow."""

    def __init__(self, message: str, *, hint: Optional[str] = None, temporary: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.temporary = temporary


class TooSlow(Unreachable):
    """Bytes come, but so few that waiting for more is useless."""


class AccessDenied(HttpError):
    """The server expects other credentials, has none that suffice, or sends us where it must not."""
