# SPDX-License-Identifier: MIT
"""A daemon that lives as long as a ``with`` block, and never longer than this process."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .failure import NOT_INSTALLED, Failure, tail

START_SECONDS = 60
STOP_SECONDS = 30


class Service:
    """Start a daemon, wait until it answers; stop it in every case."""

    def __init__(self, argv: Sequence[str], *, log: Path, ready: Callable[[], bool]) -> None:
        self.argv, self.log, self.ready = list(argv), log, ready
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Service:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # A session of its own: Ctrl-C reaches us first, so what still uses the daemon ends before it does.
        # pdeathsig: it ends even when we are killed.
        with self.log.open("wb") as output:
            try:
                self.process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "TERM", "--", *self.argv],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                    env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
                )
            except NOT_INSTALLED:
                raise Failure("setpriv is not installed", "run: apt install util-linux") from None
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                sentence = f"{self.argv[0]} does not start:\n{tail(self.log)}"
                raise Failure(sentence, f"see the whole log, {self.log}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask it to end; insist after STOP_SECONDS."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
