# SPDX-License-Identifier: MIT
"""What can go wrong between us and a registry, and the sentence for each status it answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Optional

from ..errors import NotFound
from ..http import AccessDenied, HttpError

MAX_ERROR_BYTES = 16 * 1024
_MAX_REASON_CHARS = 200


class RegistryError(HttpError):
    """The registry does not give what was asked."""


class ImageNotFound(RegistryError, NotFound):
    """No such repository, tag, manifest or blob."""


class RateLimited(RegistryError):
    """Too many requests."""

    temporary = True


class ServerFailure(RegistryError):
    """A status 5xx."""

    temporary = True


def for_status(
    status: int,
    what: str,
    host: str,
    body: bytes,
    retry_after: Optional[float],
    *,
    secrets: Iterable[str] = (),
    shown: Optional[str] = None,
) -> HttpError:
    """The error for an answer that is not what was asked for. ``what`` names the thing, ``body`` has more,
    maybe.

    A registry may repeat what it was sent; ``secrets`` are removed from that. ``shown`` is the place of the
    credentials that were sent along, empty for those of the command line, None if there were none.
    """
    reason = _reason(body, secrets)
    because = f" ({reason})" if reason else ""
    error: HttpError
    if status == 401:
        error = _denied(what, host, because, shown)
    elif status == 403:
        error = AccessDenied(
            f"{host} forbids {what}{because}", hint="ask the registry's owner for the right to pull it"
        )
    elif status == 404:
        error = ImageNotFound(
            f"{host} has no {what}{because}", hint="check name and tag; log in if the image is private"
        )
    elif status == 429:
        error = RateLimited(
            f"{host} limits how often it gives {what}{because}",
            hint="log in, use a registry mirror, or try again later",
        )
    elif status in (408, 500, 502, 503, 504):
        error = ServerFailure(
            f"{host} fails with status {status} when asked for {what}{because}", hint="try again later"
        )
    else:
        error = RegistryError(f"{host} answers status {status} when asked for {what}{because}")
    error.retry_after = retry_after
    return error


def _denied(what: str, host: str, because: str, shown: Optional[str]) -> AccessDenied:
    if shown is None:
        return AccessDenied(
            f"{host} does not give {what} without credentials{because}",
            hint=f"check the name; a private image needs 'docker login {host}' or an auth file",
        )
    return AccessDenied(
        f"{host} does not give {what} with the credentials {f'of {shown}' if shown else 'given'}{because}",
        hint=f"check name and password; 'docker login {host}' renews those in docker's own file",
    )


def _reason(body: bytes, secrets: Iterable[str]) -> str:
    try:
        first = json.loads(body)["errors"][0]
        text = f"{first.get('code', '')} {first.get('message', '')}".strip()
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return ""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    # A registry's words go to a terminal: printable ones only.
    return "".join(char if char.isprintable() else " " for char in text)[:_MAX_REASON_CHARS]
