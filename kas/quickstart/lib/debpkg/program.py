# SPDX-License-Identifier: MIT
"""The one way to run another program: a list of words; one that is missing or fails is a DebError."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .errors import DebError

MAX_LINES = 5
TIMEOUT_SECONDS = 1800


def run(
    argv: Sequence[str],
    *,
    data: bytes = b"",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    check: bool = True,
    seconds: float = TIMEOUT_SECONDS,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``argv`` with ``data`` as its input; ``environment`` in place of the inherited one."""
    with _named(argv, seconds):
        done = subprocess.run(
            argv, input=data, cwd=folder, env=environment, timeout=seconds, capture_output=True
        )
    if check:
        _check(argv, done.returncode, done.stderr or done.stdout)
    return done


def pipe(source: Sequence[str], target: Sequence[str]) -> None:
    """Run both, the output of ``source`` as the input of ``target``."""
    with _named(source), subprocess.Popen(source, stdout=subprocess.PIPE) as reader:
        with _named(target):
            done = subprocess.run(target, stdin=reader.stdout, stderr=subprocess.PIPE)
    _check(target, done.returncode, done.stderr)
    _check(source, reader.returncode, b"")


@contextlib.contextmanager
def _named(argv: Sequence[str], seconds: float = TIMEOUT_SECONDS) -> Iterator[None]:
    try:
        yield
    except (
        FileNotFoundError,
        PermissionError,
    ) as error:  # the second where a folder of PATH may not be read
        # The folder to run it in may be what is missing; that is a bug.
        if error.filename != argv[0]:
            raise
        raise DebError(f'the program "{argv[0]}" is not installed', hint="run: scripts/setup") from None
    except subprocess.TimeoutExpired:
        raise DebError(f'"{" ".join(argv[:3])}" did not end within {seconds:g} seconds') from None


def _check(argv: Sequence[str], status: int, output: bytes) -> None:
    if status:
        lines = output.decode("utf-8", "replace").strip().splitlines()[-MAX_LINES:]
        raise DebError(f"{argv[0]} failed with status {status}: {'; '.join(lines) or 'without a word'}")
