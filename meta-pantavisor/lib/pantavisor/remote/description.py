# SPDX-License-Identifier: MIT
"""``.pvrremote``: where a device has its state, its objects and the door for new revisions.

``progress-url`` and ``gc-url`` are ours: without the one the progress of a revision cannot be watched,
without the other a device that has no room cannot be asked to make some. URLs may be relative to
that of the device. One that names a user, or leads from https to http, is refused.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import cjson
from ..errors import FormatError, PantavisorError

FILE = ".pvrremote"
MAX_BYTES = 64 * 1024
MAX_URL_CHARS = 2048
MAX_MEMBER_CHARS = 64


@dataclass(frozen=True)
class Description:
    """All absolute URLs; ``state_member`` is what the state is called in a new revision."""

    state_url: str
    objects_url: str
    post_url: str
    state_member: str
    progress_url: Optional[str]
    collect_url: Optional[str]

    @classmethod
    def parse(cls, data: bytes, url: str) -> Description:
        """Raises FormatError for anything but the description of a device at ``url``."""
        what = f"the description of {url}"
        found = cjson.load_object(data, what=what, max_bytes=MAX_BYTES)
        member = found.get("json-key") or "post"
        if not isinstance(member, str) or len(member) > MAX_MEMBER_CHARS:
            raise FormatError(f"{what} has a json-key that is not a short text")
        return cls(
            state_url=_url(found, "json-get-url", url, what),
            objects_url=_url(found, "objects-endpoint", url, what).rstrip("/"),
            post_url=_url(found, "post-url", url, what),
            state_member=member,
            progress_url=_url(found, "progress-url", url, what) if "progress-url" in found else None,
            collect_url=_url(found, "gc-url", url, what) if "gc-url" in found else None,
        )


def checked_url(text: str) -> str:
    """The URL of a device as a user writes it, without a slash at its end. Raises PantavisorError."""
    if not _is_url(text):
        raise PantavisorError(
            f'"{text[:200]}" is not the address of a device', hint="use http://HOST:12368/cgi-bin/pvr"
        )
    return text.rstrip("/")


def resolved(text: Any, url: str, what: str) -> str:
    """A URL that the server at ``url`` names. Raises FormatError."""
    if not isinstance(text, str) or not text or len(text) > MAX_URL_CHARS:
        raise FormatError(f"{what} is not a web address")
    try:
        found = urllib.parse.urljoin(f"{url}/", text)
    except ValueError:
        found = ""
    if not _is_url(found):
        raise FormatError(f"{what} is not a web address")
    if url.startswith("https:") and not found.startswith("https:"):
        raise FormatError(f"{what} leads from https to plain http")
    return found


def _url(found: Mapping[str, Any], member: str, url: str, what: str) -> str:
    return resolved(found.get(member), url, f"{member} in {what}")


def _is_url(text: str) -> bool:
    if len(text) > MAX_URL_CHARS or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urllib.parse.urlsplit(text)
        is_plain = "@" not in parts.netloc and not parts.fragment
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and is_plain
    except ValueError:
        return False
