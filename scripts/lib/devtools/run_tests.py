# SPDX-License-Identifier: MIT
"""Runs the project's test suites, three at a time and small ones next to them, and adds up what they found.

A suite that fails does not keep the next ones from running, unless they rest on it. Its output is shown
when it ends, and stays in build/test next to its JUnit file. The closing line counts tests; the exit status
is 0 only when every suite passed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Optional

from .suites import PROJECT, RESULTS, UNIT_PARTS, Suite, fast, slow

# A suite that takes longer hangs. No measure of speed: machines are slow and busy.
SUITE_SECONDS = 3600
LANES = 3  # of long suites: half of their time they wait for a device, a watchdog or a network
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 3 * 2**30


@dataclass
class Totals:
    """What all suites found."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, suite: Suite, good: bool) -> None:
        """Count a suite's tests; one without a count is one test."""
        if suite.junit is None or not suite.junit.exists():
            self.passed, self.failed = self.passed + good, self.failed + (not good)
        else:
            for case in ElementTree.parse(suite.junit).iter("testcase"):
                failed = case.find("failure") is not None or case.find("error") is not None
                skipped = case.find("skipped") is not None
                self.failed += failed
                self.skipped += skipped and not failed
                self.passed += not failed and not skipped
        if not good:
            self.broken.append(suite.name)


@dataclass(frozen=True)
class Outcome:
    """How a suite ended."""

    suite: Suite
    good: bool
    seconds: float


@dataclass
class SuiteRun:
    """Suites on their way, side by side; ``memory`` is a folder there, where there is room."""

    environment: dict[str, str]
    memory: Optional[str] = None
    futures: dict[str, Future[Outcome]] = field(default_factory=dict)

    def run(self, suites: tuple[Suite, ...]) -> Iterator[Outcome]:
        """Each suite's outcome as it ends."""
        with ThreadPoolExecutor(LANES) as lanes, ThreadPoolExecutor(UNIT_PARTS) as processors:
            for suite in suites:
                pool = processors if suite.small_files else lanes
                self.futures[suite.name] = pool.submit(self.run_one, suite)
            try:
                for future in as_completed(self.futures.values()):
                    yield future.result()
            except BaseException:
                # The commands got the interrupt too, clean up and are awaited.
                for pool in (lanes, processors):
                    pool.shutdown(wait=True, cancel_futures=True)
                raise

    def run_one(self, suite: Suite) -> Outcome:
        missing = [name for name in suite.after if not self.futures[name].result().good]
        started = time.monotonic()
        if suite.junit is not None:
            suite.junit.unlink(missing_ok=True)
        with open(log_of(suite), "wb", buffering=0) as log:
            if missing:
                log.write(f"not run: {', '.join(missing)} failed\n".encode())
            place = {"TMPDIR": self.memory} if suite.small_files and self.memory else {}
            good = not missing and all(self.call(command, log, place) for command in suite.commands)
        return Outcome(suite, good, time.monotonic() - started)

    def call(self, command: tuple[str, ...], log: BinaryIO, place: dict[str, str]) -> bool:
        """Whether the command succeeds in time."""
        environment = {**self.environment, **place}
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            return process.wait(SUITE_SECONDS) == 0
        except subprocess.TimeoutExpired:
            log.write(f"{command[0]} takes longer than {SUITE_SECONDS} s\n".encode())
            process.terminate()
            process.wait()
            return False


def log_of(suite: Suite) -> Path:
    return RESULTS / f"{suite.name}.log"


def environment() -> dict[str, str]:
    """The environment of all commands: Python is compiled once, into build/."""
    ours = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")  # the second is scripts/test's, for this module
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "PYTHONPYCACHEPREFIX": str(RESULTS / "pycache")}


@contextmanager
def memory() -> Iterator[Optional[str]]:
    """A folder in memory, where there is plenty: tests make and remove tens of thousands of files."""
    if not fits_in_memory():
        yield None
        return
    folder = tempfile.mkdtemp(prefix="pv.", dir=MEMORY)  # short: sockets have names of at most 107 bytes
    try:
        os.chmod(folder, 0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fits_in_memory() -> bool:
    """Whether temporary files may lie in memory."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return False
    found = os.statvfs(MEMORY)
    return found.f_bavail * found.f_frsize >= MEMORY_BYTES


def show(outcome: Outcome) -> None:
    """A suite's output and how it ended."""
    print(f"\n=== {outcome.suite.name}", flush=True)
    sys.stdout.buffer.write(log_of(outcome.suite).read_bytes())
    word = "passed" if outcome.good else "FAILED"
    print(f"=== {outcome.suite.name}: {word} in {outcome.seconds:.0f} s", flush=True)


def main() -> int:
    """0: everything passed, 1: something failed."""
    parser = argparse.ArgumentParser(prog="scripts/test", description="Run the tests of the project.")
    parser.add_argument("--fast", action="store_true", help="style, types, unit and runtime tests only")
    options = parser.parse_args()
    # A pipeline may start us in the background, where shells have SIGINT ignored; tests that interrupt need
    # it back.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    RESULTS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    totals = Totals()
    suites = fast() if options.fast else fast() + slow()
    try:
        with memory() as folder:
            for outcome in SuiteRun(environment(), folder).run(suites):
                show(outcome)
                totals.add(outcome.suite, outcome.good)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    counts = f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped"
    broken = f"; failed: {', '.join(totals.broken)}" if totals.broken else ""
    print(f"\n{counts} in {minutes} min {seconds} s{broken}", flush=True)
    return 1 if totals.broken else 0


if __name__ == "__main__":
    sys.exit(main())
