# SPDX-License-Identifier: MIT
"""The steps of scripts/quickstart after the setup: demonstration images, build, check of the disk
image.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from . import steps

PROJECT = Path(__file__).resolve().parents[3]
MACHINES = ("qemux86-64", "qemuarm64", "qemuarm64-uboot", "qemuarm-uboot")
# The demonstration images are made for these when one is built.
FURTHER_ARCHITECTURES = {"qemuarm-uboot": "arm"}
LOG = Path("build/quickstart.log")
IMAGE = "build/tmp/deploy/images/{machine}/pantavisor-demo-{machine}.img"
ERROR_LINES = 60
LAST_LINES = 25
HINTS = {
    errno.ENOSPC: "make room on that disk: a build takes 2 GB",
    errno.EACCES: 'make the files yours: sudo chown -R "$USER" .',
}
HINT = "remove what is in its place, and run it again"
# kas puts a time before each line of BitBake's.
PREFIX = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - [A-Z]+ +- ")
TASK = re.compile(r"NOTE: Running (?:noexec |setscene )?task (\d+) of (\d+) \(.*/([^/:]+)\.bb(?::|, )(\w+)")
PARSED = re.compile(r"(?:Parsing of|Loaded) (\d+) ")
END = """
The disk image:   {image}
look into it:     .venv/bin/pvr inspect {image}
boot it:          scripts/qemu {image}
                  and then: curl http://127.0.0.1:8080/ \
(where that port is taken, scripts/qemu names another)
write it to disk: bmaptool copy {image} /dev/sdX
                  or: dd if={image} of=/dev/sdX bs=4M conv=fsync
"""


@dataclass
class Watcher:
    """Reads what demo-images, kas and BitBake print, and shows on the screen what matters of it."""

    screen: steps.Screen
    machine: str
    quarter: int = 0
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    is_error: bool = False

    def see(self, line: str) -> None:
        """One line."""
        text = PREFIX.sub("", line)
        if text != line and self.screen.number == 2:
            self.screen.end()
            self.screen.begin(f"build for {self.machine}")
        self.lines = [*self.lines[1 - LAST_LINES :], text]
        self._collect(text)
        if self.screen.number == 2 and text.strip():
            self.screen.line(text)
        elif text.startswith("WARNING: "):
            self.screen.line(text, steps.YELLOW)
        elif match := TASK.match(text):
            self._advance(int(match[1]), int(match[2]), f"{match[3]} {match[4]}")

    def _advance(self, number: int, count: int, name: str) -> None:
        # Elsewhere than on a terminal four lines will do.
        quarter = 4 * number // count
        far = (
            f"task {number} of {count}: {name}" if self.screen.is_terminal else f"task {number} of {count}"
        )
        self.screen.advance(far, quiet=quarter == self.quarter)
        self.quarter = quarter
        if number == count:
            self.screen.far = f"{count} tasks"

    def _collect(self, text: str) -> None:
        """BitBake's errors, with the lines that belong to each."""
        if text.startswith(("ERROR: ", "NOTE: ", "WARNING: ")):
            self.is_error = text.startswith("ERROR: ")
        if self.is_error and len(self.errors) < ERROR_LINES:
            self.errors.append(text)

    @property
    def reasons(self) -> list[str]:
        """What to show of a failure; what the demonstration images print has been shown."""
        return [] if self.screen.number == 2 else self.errors or self.lines


def parser() -> argparse.ArgumentParser:
    """The command line, which scripts/quickstart has checked already."""
    top = argparse.ArgumentParser(prog="scripts/quickstart", description=__doc__)
    top.add_argument("--machine", choices=MACHINES, default=MACHINES[0])
    top.add_argument("--engine", default="")
    top.add_argument("--setup-seconds", type=int, default=0)
    return top


def main() -> int:
    """0; the status of the program that failed; 130 when interrupted."""
    options = parser().parse_args()
    os.chdir(PROJECT)
    os.environ.pop("PYTHONPATH", None)  # scripts/quickstart's, for this module
    screen = steps.Screen(sys.stdout, count=4)
    screen.number, screen.name = 1, "packages, Python and BitBake"
    screen.end(seconds=options.setup_seconds)
    image = IMAGE.format(machine=options.machine)
    try:
        with open_log(screen) as log:
            build(screen, log, options.machine, options.engine)
            check(screen, log, image)
    except steps.Failed as failed:
        return failed.status
    except KeyboardInterrupt:
        screen.fail("interrupted")
        return 130
    except OSError as error:
        if screen.number > 1:
            screen.fail()
        print(f'quickstart: cannot write "{LOG}": {error.strerror}', file=sys.stderr)
        print(f"  hint: {HINTS.get(error.errno or 0, HINT)}", file=sys.stderr)
        return 2
    print(END.format(image=image), end="")
    return 0


def open_log(screen: steps.Screen) -> BinaryIO:
    """The log, empty; it is locked, since two terminals may build in one checkout."""
    LOG.parent.mkdir(exist_ok=True)
    log = LOG.open("ab", buffering=0)
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        screen.line("another quickstart of this checkout is running; waiting for it")
        fcntl.flock(log, fcntl.LOCK_EX)
    log.truncate(0)
    return log


def build(screen: steps.Screen, log: BinaryIO, machine: str, engine: str) -> None:
    """Demonstration images, then BitBake while they are served."""
    places = {"KAS_MACHINE": machine, "KAS_WORK_DIR": str(PROJECT), "KAS_BUILD_DIR": str(PROJECT / "build")}
    argv = ["scripts/demo-images", "--build-dir", "build", "--auto-conf", "build/conf/auto.conf"]
    argv += ["--engine", engine] if engine else []
    argv += ["--also", FURTHER_ARCHITECTURES[machine]] if machine in FURTHER_ARCHITECTURES else []
    watcher = Watcher(screen, machine)
    screen.begin("demonstration images")
    status = steps.follow(
        [*argv, "--", ".venv/bin/kas", "build", "kas/quickstart.yml"],
        log=log, screen=screen, see=watcher.see, env={**os.environ, **places, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    finish(screen, status, watcher.reasons)


def check(screen: steps.Screen, log: BinaryIO, image: str) -> None:
    """The image, by the independent reader."""
    lines: list[str] = []
    screen.begin("check of the disk image")
    argv = [".venv/bin/pvr", "verify", "--strict", "--trust", "build/pvs-keys/ca.crt", image]
    status = steps.follow(argv, log=log, screen=screen, see=lines.append, env=os.environ)
    for line in lines if not status else ():
        screen.line(line)
    finish(screen, status, lines)


def finish(screen: steps.Screen, status: int, reasons: list[str]) -> None:
    """The end of a step; Failed where it failed."""
    if status:
        screen.fail()
        steps.show_log(LOG, reasons)
        raise steps.Failed(status if status > 0 else 128 - status)
    screen.end()


if __name__ == "__main__":
    sys.exit(main())
