# SPDX-License-Identifier: MIT
"""One request to a device, the reasons of its refusals, and patience with the network between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Optional, TypeVar

from .. import cjson
from ..errors import FormatError
from ..http import Answer, Body, Http, HttpError, HttpOptions
from .description import MAX_BYTES, checked_url

ATTEMPTS = 6  # in a row that bring nothing further
MAX_PAUSE = 8.0  # seconds
MAX_REASON_CHARS = 500
OK = (200,)
BUSY = 503
_TEMPORARY = (502, 504)
T = TypeVar("T")


class Refused(HttpError):
    """The device refuses. ``status`` is that of HTTP; ``soon``: it asks to be asked again in a moment."""

    def __init__(
        self, message: str, status: int, *, hint: Optional[str] = None, soon: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.temporary = status in _TEMPORARY or soon


class DeviceSession:
    """Requests to the device at ``url``. Raises PantavisorError for what is not such an address."""

    def __init__(
        self, url: str, options: HttpOptions, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.url = checked_url(url)
        self.host = self.url.partition("://")[2].partition("/")[0]
        self.pause = pause
        self._http = Http(options)

    @contextmanager
    def open(
        self,
        method: str,
        url: str,
        what: str,
        *,
        body: Optional[Body] = None,
        headers: Optional[Mapping[str, str]] = None,
        accept: tuple[int, ...] = OK,
        size: int = 0,
    ) -> Iterator[Answer]:
        """The answer, which should have ``size`` bytes.

        Raises Refused for a status that is not in ``accept``, HttpError for none.
        """
        with self._http.open(
            url, headers or {}, method=method, body=body, size=size, sender=self.host
        ) as answer:
            if answer.status not in accept:
                raise _refusal(answer, f"{self.host} refuses {what}")
            yield answer

    def document(self, url: str, what: str, *, limit: int = MAX_BYTES) -> bytes:
        """What GET of ``url`` gives. Raises FormatError for more than ``limit`` bytes."""
        with self.open("GET", url, what) as answer:
            return _read(answer, what, limit)

    def ask(
        self, url: str, what: str, value: Any, *, accept: tuple[int, ...] = OK
    ) -> tuple[int, Optional[dict[str, Any]]]:
        """Status, and of 200 the document, that POST of ``value`` gives. Raises FormatError."""
        headers = {"Content-Type": "application/json"}
        body = Body.of(cjson.dumps(value))
        with self.open("POST", url, what, body=body, headers=headers, accept=accept) as answer:
            if answer.status != 200:
                return answer.status, None
            text = _read(answer, what, MAX_BYTES)
        what = f"the answer of {self.host} to {what}"
        return 200, cjson.load_object(text, what=what, max_bytes=MAX_BYTES)

    def patiently(self, ask: Callable[[], T]) -> T:
        """What ``ask`` gives, which may take several attempts."""
        failures = 0
        while True:
            try:
                return ask()
            except HttpError as error:
                failures += 1
                self.wait(failures, error)

    def wait(self, failures: int, error: HttpError) -> None:
        """Before another attempt; raises ``error`` where that is of no use."""
        if not error.temporary or failures >= ATTEMPTS:
            raise error
        self.pause(min(2.0**failures / 2, MAX_PAUSE))


def _read(answer: Answer, what: str, limit: int) -> bytes:
    text = answer.read(limit)
    if len(text) > limit:
        raise FormatError(f"{what} is longer than the {limit} bytes allowed")
    return text


def _refusal(answer: Answer, message: str) -> Refused:
    reason = readable(reason_in(answer.read(MAX_BYTES)))
    hint = "wait until the update that is under way has ended" if answer.status == BUSY else None
    # Too many callers; an update that is under way takes longer.
    soon = answer.status == BUSY and answer.header("Retry-After") == "1"
    if soon:
        hint = "run the command again once fewer ask the device"
    return Refused(f"{message}: {reason or f'status {answer.status}'}", answer.status, hint=hint, soon=soon)


def reason_in(body: bytes) -> str:
    """The sentence of ``{"Error":"..."}``; nothing where there is none."""
    try:
        found = cjson.load_object(body, what="refusal", max_bytes=MAX_BYTES).get("Error")
    except FormatError:
        return ""
    return found if isinstance(found, str) else ""


def readable(text: str) -> str:
    """Foreign text for a terminal: one line, nothing that moves the cursor."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(line.split())[:MAX_REASON_CHARS]
