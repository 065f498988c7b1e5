"""Runs the project's test suites one after the other and adds up what they found.

A suite that fails does not keep the next ones from running, unless they rest on it. Each leaves a JUnit file
in build/test. The closing line counts tests; the exit status is 0 only when every suite passed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / "build" / "test"
RUNTIME = "meta-pantavisor/recipes-pv/pantavisor/pantavisor"
IMAGE = "build/tmp/deploy/images/qemux86-64/pantavisor-demo-qemux86-64.img"
TYPED_SCRIPTS = ("-m", "guest", "-m", "run_tests", "-p", "demo_images")
SOURCES = ("meta-pantavisor", "scripts", "tests", "scripts/qemu", "scripts/demo-images")
# What a test that starts a compiler, BitBake or QEMU may take before something is wrong with it.
SUITE_SECONDS = 1200


@dataclass(frozen=True)
class Suite:
    """Commands that pass or fail together; ``junit`` is where they count their tests."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    junit: Path | None = None
    after: tuple[str, ...] = ()


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


def pytest(name: str, *, after: tuple[str, ...] = ()) -> Suite:
    """A directory of tests/."""
    junit = RESULTS / f"{name}.xml"
    command = (sys.executable, "-m", "pytest", "-q", f"tests/{name}", f"--junitxml={junit}")
    return Suite(name, (command,), junit, after)


def runtime() -> Suite:
    """The C unit tests; meson configures once and finds changes itself."""
    build = RESULTS / "runtime"
    configure = ("meson", "setup", str(build), RUNTIME, "-Db_sanitize=address,undefined", "-Dwerror=true")
    test = ("meson", "test", "--print-errorlogs", "-C", str(build))
    commands = (test,) if (build / "build.ninja").exists() else (configure, test)
    return Suite("runtime", commands, build / "meson-logs" / "testlog.junit.xml")


def fast() -> tuple[Suite, ...]:
    """Half a minute."""
    python = (sys.executable, "-m")
    return (
        Suite("style", ((*python, "ruff", "check", *SOURCES),)),
        Suite("types", ((*python, "mypy"), (*python, "mypy", "--strict", *TYPED_SCRIPTS))),
        pytest("unit"),
        runtime(),
    )


def slow() -> tuple[Suite, ...]:
    """What builds and boots."""
    return (
        pytest("integration"),
        pytest("bitbake"),
        Suite("quickstart", (("scripts/quickstart", "--machine", "qemux86-64"),)),
        pytest("boot", after=("quickstart",)),
    )


def run(suite: Suite, totals: Totals) -> bool:
    """Run a suite; whether it passed."""
    started = time.monotonic()
    print(f"\n=== {suite.name}", flush=True)
    missing = [name for name in suite.after if name in totals.broken]
    good = not missing
    if missing:
        print(f"not run: {', '.join(missing)} failed")
    if suite.junit is not None:
        suite.junit.unlink(missing_ok=True)
    for command in suite.commands if good else ():
        good = good and call(command)
    totals.add(suite, good)
    word = "passed" if good else "FAILED"
    print(f"=== {suite.name}: {word} in {time.monotonic() - started:.0f} s", flush=True)
    return good


def call(command: tuple[str, ...]) -> bool:
    """Whether the command succeeds in time."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "MYPYPATH": "scripts"}
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL)
    try:
        return process.wait(SUITE_SECONDS) == 0
    except subprocess.TimeoutExpired:
        print(f"{command[0]} takes longer than {SUITE_SECONDS} s", flush=True)
        process.terminate()
        process.wait()
        return False
    except KeyboardInterrupt:
        # The command got the interrupt too and cleans up.
        process.wait()
        raise


def main() -> int:
    """0: everything passed, 1: something failed."""
    parser = argparse.ArgumentParser(prog="scripts/test", description="Run the tests of the project.")
    parser.add_argument("--fast", action="store_true", help="style, types and unit tests only")
    options = parser.parse_args()
    # A pipeline may start us in the background, where shells have SIGINT ignored; tests that interrupt need it back.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    RESULTS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    totals = Totals()
    suites = fast() if options.fast else fast() + slow()
    try:
        for suite in suites:
            run(suite, totals)
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
