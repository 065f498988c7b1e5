# SPDX-License-Identifier: MIT
"""What the services of a running guest answer, asked until they do."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

from .guest import LOOPBACK, Forward, GuestError

ANSWER_SECONDS = 5
ANSWER_BYTES = 1 << 20


def ask_http(url: str, *, timeout: float) -> str:
    """The page of a URL, tried until it answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + timeout
    while True:
        try:
            with opener.open(url, timeout=ANSWER_SECONDS) as answer:
                body: bytes = answer.read(ANSWER_BYTES)
                return body.decode(errors="replace")
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise GuestError(f"{url} does not answer within {timeout:.0f} s: {error}") from None
        time.sleep(0.5)


def ask_line(port: int, *, timeout: float) -> str:
    """The first line that a TCP service on the loopback sends, tried until it sends one."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            with socket.create_connection((LOOPBACK, port), timeout=ANSWER_SECONDS) as connection:
                line = connection.makefile("rb").readline(ANSWER_BYTES)
                if line:
                    return line.decode(errors="replace").strip()
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise GuestError(f"port {port} is silent for {timeout:.0f} s")
        time.sleep(0.5)


def checks(pairs: Sequence[Sequence[str]], forwards: Sequence[Forward], *, timeout: float) -> None:
    """Each URL must answer with a page that holds the text; {80} in it is the port that leads to the
    guest's 80.
    """
    for url, text in pairs:
        for forward in forwards:
            url = url.replace(f"{{{forward.guest}}}", str(forward.host))
        page = ask_http(url, timeout=timeout)
        if text not in page:
            raise GuestError(f'{url} answers, but without "{text}":\n{page[:400]}')
