# SPDX-License-Identifier: MIT
"""Errors that a person can correct, and the one way to run a process."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# What starting a program raises: where a folder of PATH may not be read, the program might exist.
NOT_INSTALLED = (FileNotFoundError, PermissionError)
TAIL_LINES = 25


class Failure(Exception):
    """One sentence and a hint."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint


def run(argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, hint: str = "") -> None:
    """Run a command with its output in ``log``; Failure with the log's end when it does not succeed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        output.write(("$ " + " ".join(argv) + "\n").encode())
        output.flush()
        try:
            environment = {**os.environ, **(env or {})}
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
        except NOT_INSTALLED:
            raise Failure(f"{argv[0]} is not installed", "run: scripts/setup") from None
    try:
        status = process.wait()
    except KeyboardInterrupt:
        # The whole group, as Ctrl-C does it: it clears away its children and temporary files.
        os.killpg(process.pid, signal.SIGINT)
        process.wait()
        raise
    if status:
        sentence = f"{argv[0]} failed with status {status}:\n{tail(log)}"
        raise Failure(sentence, hint or f"see the whole log, {log}")


def tail(log: Path) -> str:
    """The last lines of a log, indented."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join("    " + line for line in lines[-TAIL_LINES:])
