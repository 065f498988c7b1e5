# SPDX-License-Identifier: MIT
"""Requests for one repository: the scheme its host speaks, its challenge, its refusals,
patience with its failures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from typing import Optional, TypeVar

from ..http import Answer, Http, HttpError, Unreachable, origin
from .auth import Authorizer
from .errors import MAX_ERROR_BYTES, for_status
from .options import Endpoint, RegistryOptions

MAX_BACKOFF = 10.0  # seconds
MAX_CHALLENGES = 3  # answered for one request
_REFUSALS = (401, 403, 404)
MAX_RETRY_AFTER_DIGITS = 9

T = TypeVar("T")


class Cancelled(HttpError):
    """Another download of the same pull failed; this one has nothing to report."""


class RegistrySession:
    """Shared by the threads of one client."""

    def __init__(self, options: RegistryOptions) -> None:
        self.options = options
        self.stop = threading.Event()
        self._http = Http(options)
        self._authorizer = Authorizer(self._http, options)
        self._bases: dict[str, str] = {}
        self._doors: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def get(
        self,
        endpoint: Endpoint,
        path: str,
        *,
        what: str,
        accept: tuple[int, ...] = (200,),
        headers: Optional[Mapping[str, str]] = None,
        size: int = 0,
    ) -> Iterator[Answer]:
        """GET /v2/<repository>/<path>, whose answer should have ``size`` bytes.

        Raises HttpError for any status that is not in ``accept``.
        """
        base = self._base(endpoint)
        url = f"{base}/v2/{endpoint.repository}/{path}"
        authorization = self._authorizer.header(endpoint)
        answered: list[list[str]] = []
        while True:
            with self._http.open(
                url, headers or {}, authorization=authorization, insecure=endpoint.insecure, size=size
            ) as answer:
                if answer.status in accept:
                    yield answer
                    return
                challenge = answer.headers("WWW-Authenticate")
                error = self._refusal(answer, what, endpoint)
            # A host that we were sent on to must not ask for what belongs to this one.
            if answer.status not in _REFUSALS or origin(answer.url) != origin(url):
                raise error
            if not challenge and authorization is None:
                challenge = self._challenges_of_host(endpoint, base)
            # One that wants more than the last gets it; the same again is a refusal.
            if not challenge or challenge in answered or len(answered) == MAX_CHALLENGES:
                raise error
            answered.append(challenge)
            authorization = self._authorizer.answer(endpoint, base, challenge, authorization)
            if authorization is None:
                raise error

    def _refusal(self, answer: Answer, what: str, endpoint: Endpoint) -> HttpError:
        retry_after = _retry_after(answer.header("Retry-After"), answer.header("Date"))
        secrets, shown = self._authorizer.secrets(), self._authorizer.shown(endpoint)
        body = _error_body(answer)
        return for_status(
            answer.status, what, endpoint.name, body, retry_after, secrets=secrets, shown=shown
        )

    def _challenges_of_host(self, endpoint: Endpoint, base: str) -> list[str]:
        """How the host as a whole asks who we are: some hide what they have from clients without
        credentials, and that they would ask.
        """
        with self._lock:
            known = self._doors.get(endpoint.host)
        if known is None:
            known = []
            with (
                suppress(HttpError),
                self._http.open(f"{base}/v2/", {}, insecure=endpoint.insecure) as answer,
            ):
                if answer.status == 401 and origin(answer.url) == origin(base):
                    known = answer.headers("WWW-Authenticate")
            with self._lock:
                self._doors[endpoint.host] = known
        return known

    def retry(self, action: Callable[[], T]) -> T:
        """Call ``action`` again while it fails temporarily, a bounded number of times. Raises Cancelled."""
        for attempt in range(1, self.options.attempts + 1):
            if self.stop.is_set():
                raise Cancelled("stopped")
            try:
                return action()
            except HttpError as error:
                if not error.temporary or attempt == self.options.attempts:
                    raise
                self.wait(attempt, error)
        raise AssertionError("attempts is not positive")

    def wait(self, attempt: int, error: HttpError) -> None:
        """Sleep before the next attempt, as long as the registry asks;
        raises ``error`` if that is too long.
        """
        pause = min(self.options.backoff * 2 ** (attempt - 1), MAX_BACKOFF)
        if error.retry_after is not None:
            pause = max(pause, error.retry_after)
            if pause > self.options.max_wait:
                error.message += f", and asks to wait {pause:.0f} seconds"
                raise error
        self.stop.wait(pause)

    def _base(self, endpoint: Endpoint) -> str:
        """http://host or https://host. An insecure host is asked by https first, as docker does."""
        secure = f"https://{endpoint.host}"
        if not endpoint.insecure:
            return secure
        with self._lock:
            if endpoint.host not in self._bases:
                try:
                    with self._http.open(f"{secure}/v2/", {}, insecure=True):
                        self._bases[endpoint.host] = secure
                except Unreachable:
                    self._bases[endpoint.host] = f"http://{endpoint.host}"
            return self._bases[endpoint.host]


def _error_body(answer: Answer) -> bytes:
    try:
        return answer.read(MAX_ERROR_BYTES)
    except HttpError:
        return b""  # the status is enough


def _retry_after(text: Optional[str], now: Optional[str]) -> Optional[float]:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3): their number, or a date, which is held against
    the registry's own ``now``, since our clock need not agree with it. None for anything else.
    """
    if text is None or not text.isascii():
        return None
    if text.isdigit():
        return float(text) if len(text) <= MAX_RETRY_AFTER_DIGITS else None
    try:
        return max(0.0, (parsedate_to_datetime(text) - parsedate_to_datetime(now or "")).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None  # no dates, or one of them without a time zone
