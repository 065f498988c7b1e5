# SPDX-License-Identifier: MIT
"""The suites of tests: what each runs, and on which others it rests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
RESULTS = PROJECT / "build" / "test"
RUNTIME = "meta-pantavisor/recipes-pv/pantavisor/pantavisor"
SOURCES = ("meta-pantavisor", "kas/quickstart/lib", "scripts", "tests",
           "scripts/qemu", "scripts/demo-images", "scripts/lock")  # fmt: skip
# These take minutes and are run by hand: the tutorial, which pulls, builds and boots, after a change of its
# page; measures, which judge nothing.
BY_HAND = tuple(f"tests/boot/test_{name}.py" for name in ("tutorial", "measures"))
CUTS = "tests/boot/test_cuts.py"
# Much of the time of tests/boot: suites of their own keep the lanes busy to the end.
LOADER = ("tests/boot/test_grub.py", "tests/boot/test_secure_boot.py")
UPDATES = tuple(f"tests/boot/test_{name}.py" for name in ("switch", "updates", "laptop", "usb", "watchdog"))
# What U-Boot starts; most of the others run on its machine as well, by hand.
UBOOT, UBOOT_MACHINE = ("tests/boot/test_return.py", "tests/boot/test_fit.py"), "qemuarm64-uboot"
# What others send to a device; scripts/fuzz has the other readers as well, and finds more.
FUZZED = ("http", "progress", "bootenv", "state", "header")
FUZZ_TIME = "60s"  # of each
# Small tests run on every processor, but no further than their start is worth it.
UNIT_PARTS = min(4, os.cpu_count() or 1)
ALL_PROCESSORS = ("-n", "auto", "--maxprocesses=8", "--dist=worksteal")


@dataclass(frozen=True)
class Suite:
    """Commands that pass or fail together; ``junit`` is where they count their tests.

    ``small_files``: what it writes is temporary and small, and may lie in memory.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    junit: Path | None = None
    after: tuple[str, ...] = ()
    small_files: bool = False


def pytest(name: str, *more: str, after: tuple[str, ...] = (), small_files: bool = False) -> Suite:
    """A directory of tests/, or the places and options that ``more`` names."""
    junit = RESULTS / f"{name}.xml"
    command = (sys.executable, "-m", "pytest", "-q", *(more or (f"tests/{name}",)), f"--junitxml={junit}")
    return Suite(name, (command,), junit, after, small_files)


def unit() -> Iterator[Suite]:
    """The unit tests in parts of about one size. Workers to whom each test is sent would cost a quarter
    more.
    """
    files = sorted(
        (PROJECT / "tests/unit").glob("test_*.py"), key=lambda path: path.stat().st_size, reverse=True
    )
    turn = 2 * UNIT_PARTS  # There and back, or the first part gets the larger one each time.
    for number in range(UNIT_PARTS):
        chosen = files[number::turn] + files[turn - 1 - number :: turn]
        part = [str(path.relative_to(PROJECT)) for path in chosen]
        yield pytest(f"unit-{number + 1}", "-m", "not hostile", *part, small_files=True)


def runtime() -> Suite:
    """The C unit tests; meson configures once and finds changes itself."""
    build = RESULTS / "runtime"
    configure = ("meson", "setup", str(build), RUNTIME, "-Db_sanitize=address,undefined", "-Dwerror=true")
    test = ("meson", "test", "--print-errorlogs", "-C", str(build))
    commands = (test,) if (build / "build.ninja").exists() else (configure, test)
    return Suite("runtime", commands, build / "meson-logs" / "testlog.junit.xml")


def crash() -> Suite:
    """Power cuts; what is under test is built as it is for a device, without sanitizers."""
    build, junit = RESULTS / "crash", RESULTS / "crash.xml"
    configure = ("meson", "setup", str(build), RUNTIME, "-Dsanitize=false", "-Dwerror=true")
    programs = ("ninja", "-C", str(build), "crash-programs", "pantavisor")
    test = (sys.executable, "-m", "pytest", "-q", "-s", "tests/crash", f"--junitxml={junit}")
    commands = (programs, test) if (build / "build.ninja").exists() else (configure, programs, test)
    return Suite("crash", commands, junit, small_files=True)


def fuzz() -> Suite:
    """Mutations of kept inputs, under sanitizers; for each commit other ones. With the seed that is printed
    and a file at the end, the same command leaves the one that fails.
    """
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True)
    seed = str(int(head.stdout[:8] or "1", 16))
    test = PROJECT / RUNTIME / "test"
    replay = ("env", f"PV_VECTORS={test / 'vectors'}", str(RESULTS / "runtime/test/replay"))
    commands = tuple((*replay, reader, str(test / "corpus" / reader), FUZZ_TIME, seed) for reader in FUZZED)
    return Suite("fuzz", commands, after=("runtime",), small_files=True)


def fast() -> tuple[Suite, ...]:
    """Under a minute."""
    python = (sys.executable, "-m")
    return (
        *unit(),
        Suite("style", ((*python, "ruff", "check", *SOURCES),)),
        Suite("types", ((*python, "mypy"),)),
        runtime(),
    )


def slow() -> tuple[Suite, ...]:
    """Damage in every place, and what builds and boots."""
    return (
        Suite("quickstart", (("scripts/quickstart", "--machine", "qemux86-64"),)),
        pytest(
            "hostile", "tests/hostile", "tests/unit", "-m", "hostile", *ALL_PROCESSORS, small_files=True
        ),
        pytest("integration", after=("runtime",)),
        crash(),
        fuzz(),
        pytest("fresh"),
        pytest("bitbake"),
        pytest("oecore"),
        pytest("grub", *LOADER, after=("quickstart",)),
        pytest(
            "boot",
            "tests/boot",
            *(f"--ignore={path}" for path in (*LOADER, *UPDATES, *UBOOT, CUTS, *BY_HAND)),
            after=("quickstart",),
        ),
        pytest("updates", *UPDATES, after=("quickstart",)),
        Suite("uboot-image", (("scripts/quickstart", "--machine", UBOOT_MACHINE),)),
        pytest("uboot", *UBOOT, "--machine", UBOOT_MACHINE, after=("uboot-image",)),
        # Last, when "crash" has ended. Many more by hand, after a change of what a device writes.
        pytest("cuts", "-s", CUTS, after=("quickstart", "crash")),
    )
