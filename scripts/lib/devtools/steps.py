# SPDX-License-Identifier: MIT
"""Steps of a long work, for a person: what is done, how far, how long; every line of the programs in a log.

On a terminal the last line is alive and colours help; elsewhere (a pipe, a pipeline's log) each event is a
plain line.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

REFRESH_SECONDS = 1.0
CHUNK = 1 << 16
BOLD, GREEN, RED, YELLOW, PLAIN = "\033[1m", "\033[32m", "\033[31m", "\033[33m", "\033[0m"
# What is left of the line that is alive is wiped before something else is printed.
WIPE = "\r\033[K"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Failed(Exception):
    """A step that failed, with the exit status for the whole."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Screen:
    """Where the steps are shown. ``count`` is how many there will be."""

    out: TextIO
    count: int
    number: int = 0
    name: str = ""
    far: str = ""
    started: float = field(default_factory=time.monotonic)

    @property
    def is_terminal(self) -> bool:
        return self.out.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def begin(self, name: str) -> None:
        """The next step."""
        self.number, self.name, self.far = self.number + 1, name, ""
        self.started = time.monotonic()
        if not self.is_terminal:
            self._print(f"[{self.number}/{self.count}] {name}")
        self.refresh()

    def end(self, *, seconds: float | None = None) -> None:
        """The step is done."""
        passed = time.monotonic() - self.started if seconds is None else seconds
        far = f"{self.far}, " if self.far else ""
        name = f" {self.name}:" if self.is_terminal else ""
        self._print(f"[{self.number}/{self.count}]{name} {self._paint(GREEN, 'done')}, {far}{passed:.0f} s")

    def fail(self, word: str = "failed") -> None:
        """The step came to no good end."""
        passed = time.monotonic() - self.started
        self._print(
            f"[{self.number}/{self.count}] {self.name}: {self._paint(RED, word)} after {passed:.0f} s"
        )

    def line(self, text: str, colour: str = "") -> None:
        """A line within the step."""
        self._print("      " + self._paint(colour, text))
        self.refresh()

    def advance(self, far: str, *, quiet: bool = False) -> None:
        """How far the step is; ``quiet``: only a terminal shows it."""
        self.far = far
        if not self.is_terminal and not quiet:
            self._print(f"      {far}")
        self.refresh()

    def refresh(self) -> None:
        """Show the line that is alive."""
        if self.is_terminal:
            passed = time.monotonic() - self.started
            text = f"[{self.number}/{self.count}] {self.name}  {self.far}  {passed:.0f} s"
            width = shutil.get_terminal_size().columns - 1
            self._write(WIPE + self._paint(BOLD, text[:width]))

    def _paint(self, colour: str, text: str) -> str:
        if not colour or not self.is_terminal or os.environ.get("NO_COLOR"):
            return text
        return f"{colour}{text}{PLAIN}"

    def _print(self, text: str) -> None:
        self._write((WIPE if self.is_terminal else "") + text + "\n")

    def _write(self, text: str) -> None:
        # No one may be watching any more; what is under way is still to come to its end.
        with contextlib.suppress(OSError):
            self.out.write(text)
            self.out.flush()


def follow(
    argv: Sequence[str],
    *,
    log: BinaryIO,
    screen: Screen,
    see: Callable[[str], None],
    env: Mapping[str, str],
) -> int:
    """Run a program to its end; its lines go to ``log`` and to ``see``. The exit status.

    Ctrl-C on a terminal reaches the program as well, which ends all that it started; another signal is
    passed on. Either way its end is waited for, and KeyboardInterrupt raised then. Where ``log``, which is
    unbuffered, cannot be written, the program is ended too, and OSError raised.
    """
    # pdeathsig: it ends even when we are killed.
    words = ["setpriv", "--pdeathsig", "TERM", "--", *argv]
    log.write(("$ " + " ".join(argv) + "\n").encode())
    interrupted = False
    with (
        _signals(),
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env) as process,
    ):
        lines = _lines(process, log, screen)
        while True:
            try:
                for line in lines:
                    see(line)
                break
            except KeyboardInterrupt as interrupt:
                interrupted = True
                screen.line("interrupted: waiting until all that was started has ended")
                if not (os.isatty(0) and signal.SIGINT in interrupt.args):
                    process.send_signal(interrupt.args[0])
                # The generator ended with the exception.
                lines = _lines(process, log, screen)
            except OSError:
                process.terminate()
                with open(os.devnull, "wb") as nothing:
                    for _ in _lines(process, nothing, screen):
                        pass
                raise
        status = process.wait()
    if interrupted:
        raise KeyboardInterrupt
    return status


def _lines(process: subprocess.Popen[bytes], log: BinaryIO, screen: Screen) -> Iterator[str]:
    """Whole lines as they come, until the program and its output end."""
    assert process.stdout is not None
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(REFRESH_SECONDS):
                data = os.read(process.stdout.fileno(), CHUNK)
                log.write(data)
                *whole, rest = (rest + data).split(b"\n")
                yield from (line.decode("utf-8", "replace").rstrip("\r") for line in whole)
                if not data:
                    break
            elif process.poll() is not None:
                # A daemon may hold the pipe open; what the program printed has been read.
                break
            screen.refresh()
    if rest:
        yield rest.decode("utf-8", "replace")


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt(number)

    # SIGINT too: a pipeline may start us in the background, where shells have it ignored.
    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def show_log(path: Path, lines: Sequence[str], out: TextIO | None = None) -> None:
    """What went wrong, and where all of it is."""
    stream = out or sys.stderr
    for line in lines:
        print("    " + line, file=stream)
    print(f"  hint: see the whole log, {path}", file=stream)
