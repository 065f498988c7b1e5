# SPDX-License-Identifier: MIT
"""The one way to run another program: an argument list, never a shell; checked, timed, with bounded output.

A tool that is missing or fails is the user's to correct, so both are errors with a hint. The environment is
inherited, unless ``environment`` is given: a program that writes an image sees that and PATH, by way of
env(1), and nothing that the building user has set.
"""

from __future__ import annotations

import logging
import os
import selectors
import shlex
import shutil
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Optional, Union

from .errors import NotFound, PantavisorError

MAX_OUTPUT = 256 * 1024  # bytes kept of each stream: the last ones, where the errors are
TIMEOUT_SECONDS = 1800.0
POLL_SECONDS = 0.1  # between looks at a program that prints nothing
# Administrators' tools live here, and an ordinary user's PATH often does not have them.
SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
PLAIN_PATH = f"{SYSTEM_FOLDERS}:/usr/local/bin:/usr/bin:/bin"
DEBIAN_PACKAGES = {
    "bmaptool": "bmap-tools",
    "debugfs": "e2fsprogs",
    "dumpe2fs": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "fsck.vfat": "dosfstools",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mmd": "mtools",
    "sgdisk": "gdisk",
}

_log = logging.getLogger(__name__)


class ToolError(PantavisorError):
    """A program that failed, with the last lines that it printed."""


@dataclass(frozen=True)
class Result:
    """How a program ended. The streams hold their last MAX_OUTPUT bytes."""

    status: int
    stdout: bytes
    stderr: bytes


def find(tool: str) -> Optional[str]:
    """The path of ``tool``, looked for in PATH and then where administrators' tools live, or None."""
    return shutil.which(tool) or shutil.which(tool, path=SYSTEM_FOLDERS)


def run(
    argv: Sequence[Union[str, PathLike[str]]],
    *,
    cwd: Optional[Path] = None,
    environment: Optional[Mapping[str, str]] = None,
    without: Collection[str] = (),
    accept: Collection[int] = (0,),
    timeout: float = TIMEOUT_SECONDS,
    stdin: Optional[BinaryIO] = None,
) -> Result:
    """Run ``argv`` with ``stdin`` or no input, for at most ``timeout`` seconds.

    With an ``environment`` it sees no other, and else none of the variables ``without``. Raises NotFound
    for a missing tool, ToolError for a status that is not in ``accept``.
    """
    words = [_locate(str(argv[0])), *map(str, argv[1:])]
    if environment is not None:
        pairs = sorted({"PATH": PLAIN_PATH, **environment}.items())
        words = [_locate("env"), "-i", *(f"{name}={value}" for name, value in pairs), *words]
    elif without:
        words = [_locate("env"), *(word for name in without for word in ("-u", name)), *words]
    _log.debug("run: %s", shlex.join(words))
    result = _collect(words, cwd, timeout, str(argv[0]), stdin)
    if result.status not in accept:
        raise ToolError(
            f"{argv[0]} failed with status {result.status}: {last_lines(result)}",
            hint=f"to see it again, run: {shlex.join(words)}",
        )
    return result


def last_lines(result: Result, count: int = 5) -> str:
    """The last lines of what a program complained about, on one line."""
    text = (result.stderr.strip() or result.stdout.strip()).decode("utf-8", "replace")
    return "; ".join(line.strip() for line in text.splitlines()[-count:]) or "it printed nothing"


def _locate(tool: str) -> str:
    path = find(tool)
    if path is None:
        package = DEBIAN_PACKAGES.get(tool)
        hint = f"run: apt install {package}" if package else f"install {tool}, or add its directory to PATH"
        raise NotFound(f'the program "{tool}" is not installed', hint=hint)
    return path


def _collect(
    words: list[str], cwd: Optional[Path], timeout: float, name: str, stdin: Optional[BinaryIO]
) -> Result:
    with subprocess.Popen(
        words,
        cwd=cwd,
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        try:
            tails = _tails(process, time.monotonic() + timeout)
            status = process.wait(timeout)
        except BaseException as error:
            process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                raise ToolError(
                    f"{name} did not end within {timeout:g} seconds",
                    hint=f"to see it again, run: {shlex.join(words)}",
                ) from error
            raise
    return Result(status, *tails)


def _tails(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    """The ends of both streams: all that was written by the end of the program, however late we read it.

    A stream that a child of the program holds open is not awaited.
    """
    assert process.stdout is not None and process.stderr is not None
    tails = {stream.fileno(): bytearray() for stream in (process.stdout, process.stderr)}
    with selectors.DefaultSelector() as selector:
        for stream in tails:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ended = process.poll() is not None
            ready = selector.select(0 if ended else POLL_SECONDS)
            for key, _ in ready:
                chunk = os.read(key.fd, 64 * 1024)
                tails[key.fd] += chunk
                del tails[key.fd][:-MAX_OUTPUT]
                if not chunk:
                    selector.unregister(key.fd)
            if ended and not ready:
                break
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(process.args, deadline)
    return bytes(tails[process.stdout.fileno()]), bytes(tails[process.stderr.fileno()])
