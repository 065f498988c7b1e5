# SPDX-License-Identifier: MIT
"""What a program costs, its children included: CPU and wall seconds, memory, bytes it leaves behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

INTERVAL_SECONDS = 0.2
MAX_SHOWN = 4000  # characters of what a program printed before it failed
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU (user and system, all threads) and of wall; kilobytes of the largest process."""

    cpu: float = 0.0
    wall: float = 0.0
    memory: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall, max(self.memory, other.memory))


def measure(
    words: Sequence[object],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    orphans: bool = False,
) -> Cost:
    """Run a program that must succeed; ``log`` gets what it prints. With ``orphans``, processes that it
    leaves behind, such as a server, are waited for and counted.
    """
    if orphans:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    errors = subprocess.STDOUT if log else None
    with open(log or os.devnull, "wb") as output:
        process = subprocess.Popen(
            [str(word) for word in words], cwd=cwd, env=env, stdout=output, stderr=errors,
            start_new_session=True,
        )  # fmt: skip
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            # It would go on writing into what is removed next.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        if log:
            sys.stderr.write(log.read_text(errors="replace")[-MAX_SHOWN:])
        raise subprocess.CalledProcessError(process.returncode, [*map(str, words)])
    with contextlib.suppress(ChildProcessError):
        while orphans:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.monotonic() - began, usage.ru_maxrss)


def forked(work: Callable[[], object]) -> Cost:
    """What ``work`` costs in a child of this process, which must end well."""
    began = time.monotonic()
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(os.waitstatus_to_exitcode(status))
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss)


class Peak:
    """The most bytes that the regular files below ``folder`` had, looked at often during a block."""

    def __init__(self, folder: Path) -> None:
        self.bytes = 0
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL_SECONDS):
            self.bytes = max(self.bytes, _folder_bytes(self._folder))


def _folder_bytes(folder: Path) -> int:
    sizes = {}
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                status = os.lstat(os.path.join(base, name))
                sizes[status.st_ino] = status.st_size
    return sum(sizes.values())
