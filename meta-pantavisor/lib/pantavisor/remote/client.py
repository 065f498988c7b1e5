# SPDX-License-Identifier: MIT
"""A device: the state that it runs, its revisions and how their updates go."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Optional

from .. import cjson
from ..errors import FormatError
from ..http import HttpOptions
from ..names import check_path
from ..state import MAX_BYTES as MAX_STATE_BYTES
from ..state import State
from .description import FILE, MAX_BYTES, Description
from .session import DeviceSession, Refused, readable

NEW = "NEW"
GOOD = frozenset(["DONE", "UPDATED"])
FAILED = frozenset(["ERROR", "WONTGO"])
MAX_STATUS_CHARS = 32
MAX_REVISION_CHARS = 80
MAX_LOG_LINES = 40


@dataclass(frozen=True)
class Progress:
    """Of one revision, as the device records it; of one that failed, ``logs`` are its last lines."""

    status: str
    message: str
    percent: int = 0
    logs: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.status in GOOD or self.status in FAILED


class Device:
    """The device at ``url``, which is as a user writes it. Raises PantavisorError for another text."""

    def __init__(self, url: str, options: HttpOptions, **more: Callable[[float], None]) -> None:
        self.session = DeviceSession(url, options, **more)

    @functools.cached_property
    def description(self) -> Description:
        """Raises HttpError, FormatError."""
        url = f"{self.session.url}/{FILE}"
        try:
            text = self._document(url, f"to describe itself at {url}")
        except Refused as error:
            if error.status != 404:
                raise
            hint = "give the address of its container pv-sdk: http://DEVICE:12368/cgi-bin/pvr"
            raise Refused(f"there is no device at {self.session.url}", error.status, hint=hint) from None
        return Description.parse(text, self.session.url)

    def state(self) -> State:
        """The state that runs. Raises HttpError, FormatError."""
        text = self._document(self.description.state_url, "to show its state", limit=MAX_STATE_BYTES)
        return State.parse(text, what=f"the state of {self.session.host}")

    def progress(self, revision: str) -> Optional[Progress]:
        """None where the device has no such revision, or does not answer about any. Raises FormatError."""
        base = self.description.progress_url
        if base is None:
            return None
        what = f"the progress of revision {revision}"
        try:
            text = self.session.document(f"{base}/{revision}", what)
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return _progress(cjson.load_object(text, what=what, max_bytes=MAX_BYTES), what)

    def create(self, state: State, message: str, revision: str) -> str:
        """Have the device try ``state`` as ``revision``; the name that it gets. Raises HttpError,
        FormatError."""
        document = {"commit-msg": message, "rev": revision, self.description.state_member: dict(state)}
        _, answer = self.session.ask(self.description.post_url, f"revision {revision}", document)
        named = (answer or {}).get("revlocal") or (answer or {}).get("rev") or revision
        if not isinstance(named, (str, int)) or len(str(named)) > MAX_REVISION_CHARS:
            raise FormatError(f"{self.session.host} gives the revision a name that is not valid")
        return check_path(str(named))

    def collect(self, url: str) -> None:
        """Have the device remove what it does not need any more. Raises HttpError, FormatError."""
        self.session.patiently(lambda: self.session.ask(url, "a collection", {}))

    def _document(self, url: str, what: str, *, limit: int = MAX_BYTES) -> bytes:
        return self.session.patiently(lambda: self.session.document(url, what, limit=limit))


def _progress(found: dict[str, Any], what: str) -> Progress:
    status, message, percent, logs = (
        found.get(name) for name in ("status", "status-msg", "progress", "logs")
    )
    if not isinstance(status, str) or len(status) > MAX_STATUS_CHARS or not status.isalpha():
        raise FormatError(f"{what} has no status")
    return Progress(
        status,
        readable(message) if isinstance(message, str) else "",
        percent if isinstance(percent, int) and 0 <= percent <= 100 else 0,
        tuple(map(readable, logs.splitlines()[-MAX_LOG_LINES:])) if isinstance(logs, str) else (),
    )
