# SPDX-License-Identifier: MIT
"""How long an answer may take as a whole, and how slow it may be on its way."""

from __future__ import annotations

import socket
import threading
import time
from typing import Optional

MIN_BYTES_PER_SECOND = 2048  # slower on average is taken for a stall


class SlowTransfer(Exception):
    """So few bytes come that waiting for more is useless."""


class Deadline:
    """Cuts a connection, whatever it is waiting for, after ``window`` seconds and what ``size`` bytes may
    take more.
    """

    def __init__(self, window: float, size: int) -> None:
        self.passed = False
        self.seconds = window + size / MIN_BYTES_PER_SECOND
        self._window = window
        self._window_end = 0.0
        self._window_bytes = 0
        self._timer: Optional[threading.Timer] = None
        self._twin: Optional[socket.socket] = None

    def start(self, connected: socket.socket) -> None:
        self.stop()
        # A duplicate stays valid when TLS takes the socket over or http.client drops it.
        self._twin = connected.dup()
        self._timer = threading.Timer(self.seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def advance(self, count: int) -> None:
        """Raise SlowTransfer when the last window brought too little: of a large blob the deadline alone is
        hours away.
        """
        now = time.monotonic()
        self._window_end = self._window_end or now + self._window
        self._window_bytes += count
        if now >= self._window_end:
            if self._window_bytes < MIN_BYTES_PER_SECOND * self._window:
                raise SlowTransfer(f"less than {MIN_BYTES_PER_SECOND} bytes in a second")
            self._window_end, self._window_bytes = now + self._window, 0

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._twin is not None:
            self._twin.close()

    def _cut(self) -> None:
        self.passed = True
        try:
            if self._twin is not None:
                self._twin.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
