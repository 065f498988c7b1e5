# SPDX-License-Identifier: MIT
"""What people see while they wait: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Sequence, Sized
from typing import Any, Optional, TextIO

from ..errors import PantavisorError

BAR_WIDTH = 28
REDRAW_SECONDS = 0.1
LOG_SECONDS = 10.0


def write_stderr(text: str, *, end: str = "\n") -> None:
    """On stderr; where it cannot be read, the exit status has to do."""
    try:
        print(text, end=end, file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere: Python flushes it once more as it ends, and would fail
    again.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def open_missing() -> None:
    """Open to nowhere what the caller closed of stdin, stdout and stderr; a file of ours would take its
    number.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is the missing one.
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def count(things: Sized, what: str) -> str:
    """``1 path``, ``2 paths``"""
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def first_of(paths: Sequence[str]) -> str:
    """``web/run.json and 3 more``."""
    return f"{paths[0]} and {len(paths) - 1} more" if paths[1:] else paths[0]


def _shown(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def _amount(total: int, done: Optional[int] = None) -> str:
    """Bytes as a person reads them: ``2.4 kB``, ``0.5 of 62.9 MB``."""
    size, unit = (1e6, "MB") if total >= 1e6 else (1e3, "kB")
    return f"{f'{done / size:.1f} of ' if done is not None else ''}{total / size:.1f} {unit}"


class Console:
    """Progress and errors on stderr, results on stdout."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self._terminal = sys.stderr.isatty()
        self._last = 0.0
        self._written = ""
        self._open = False

    def line(self, text: str) -> None:
        """One line of progress."""
        if not self.quiet:
            self._finish_bar()
            write_stderr(text)

    def detail(self, text: str) -> None:
        """A line for those who asked for more."""
        if self.verbose:
            self.line(text)

    def progress(self, label: str, done: int, total: int) -> None:
        """Bytes ``done`` of ``total``: a bar on a terminal, a line now and then in a log."""
        if not self._is_due(always=done >= total):
            return
        share = done / total if total else 1.0
        amount = _amount(total, done)
        if not self._terminal:
            self._write_once(f"{label}: {amount}")
            return
        bar = "#" * int(share * BAR_WIDTH)
        write_stderr(f"\r{label[:40]:<40} [{bar:<{BAR_WIDTH}}] {amount}", end="")
        self._open = True
        if done >= total:
            self._finish_bar()

    def amount(self, label: str, done: int) -> None:
        """As progress(), of bytes whose number is not known."""
        if not self._is_due():
            return
        text = f"{label}: {_amount(done)}"
        write_stderr(f"\r{text:<40}" if self._terminal else text, end="" if self._terminal else "\n")
        self._open = self._terminal

    def _write_once(self, text: str) -> None:
        """What a step reports again at its end is one line of the log."""
        if text != self._written:
            write_stderr(text)
        self._written = text

    def _is_due(self, *, always: bool = False) -> bool:
        now = time.monotonic()
        wait = REDRAW_SECONDS if self._terminal else LOG_SECONDS
        if self.quiet or (now - self._last < wait and not always):
            return False
        self._last = now
        return True

    def error(self, error: PantavisorError) -> None:
        self._finish_bar()
        write_stderr(f"pvr: {error}")

    def warn(self, text: str) -> None:
        self._finish_bar()
        write_stderr(f"pvr: warning: {text}")

    def result(self, text: str) -> None:
        print(text)

    def json(self, value: Any) -> None:
        text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
        # JSON may hold what bends a terminal, and halves of surrogate pairs, which cannot be printed.
        print(re.sub(r"[^ -~\n]", _shown, text))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as they need to be."""
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        for row in [head, *rows]:
            print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip())

    def _finish_bar(self) -> None:
        if self._open:
            write_stderr("")
            self._open = False
