# SPDX-License-Identifier: MIT
"""What ``tests/oecore/run`` does: openembedded-core whole, by hand, since each release takes minutes."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import closure
import device
from checkouts import LAYER, MASK, PROJECT, RELEASES, Build, Checkout, find, why_missing

CHUNK = 1024 * 1024
STEPS = ("parse", "check-layer", "closure", "build")


@dataclass(frozen=True)
class Row:
    """One step of one release."""

    release: str
    step: str
    ok: bool
    words: str
    seconds: float
    sha256: str = ""

    def __str__(self) -> str:
        return (
            f"{self.release:10} {self.step:12} {'ok' if self.ok else 'FAILED':6} {self.seconds:6.0f} s"
            f"  {self.sha256[:16]:16}  {self.words}"
        )


@dataclass(frozen=True)
class Release:
    """One release with its build directory."""

    checkout: Checkout
    directory: Path
    build: Build

    @property
    def name(self) -> str:
        return self.checkout.release

    def timed(self, step: str, command: Callable[[], tuple[bool, str, str]]) -> Row:
        """The row of a step; ``command`` gives whether it went well, words and a file's digest."""
        started = time.monotonic()
        ok, words, sha256 = command()
        row = Row(self.name, step, ok, words, time.monotonic() - started, sha256)
        print(row, flush=True)
        return row

    def parse(self) -> tuple[bool, str, str]:
        done = self._bitbake("parse", "-p")
        found = re.search(r"Parsing of (\d+) .*?(\d+) errors", done)
        quiet = "WARNING" not in done and "ERROR" not in done
        return bool(found and found[2] == "0" and quiet), found[0] if found else last(done), ""

    def check_layer(self) -> tuple[bool, str, str]:
        build = Build.make(
            self.checkout, self.directory / "check-layer", [], 'PVS_DEVELOPMENT_KEYS = "1"\n'
        )
        done = build.run("yocto-check-layer", str(LAYER))
        self._log("check-layer", done.stdout)
        return done.returncode == 0, last(done.stdout), ""

    def closure(self) -> tuple[bool, str, str]:
        here, package = closure.compare(self.checkout, self.directory / "closure")
        return not here.long, f"{here}; by {closure.PACKAGE} {package}", ""

    def make(self, target: str, file: str) -> tuple[bool, str, str]:
        """Build a recipe: the digest is of what it deploys."""
        done = self._bitbake(target, target)
        path = next((path for path in device.deployed(self.build) if path.name == file), None)
        summary = re.search(r"Attempted (\d+) tasks.*", done)
        if path is None or "all succeeded" not in done:
            return False, last(done), ""
        return True, summary[0] if summary else "", digest(path)

    def verify(self, keys: Path) -> tuple[bool, str, str]:
        image = device.deployed(self.build)[-1]
        done = device.pvr("verify", "--strict", "--set", "--trust", keys / "ca.crt", image)
        self._log("verify", done.stdout)
        return done.returncode == 0, last(done.stdout), ""

    def _bitbake(self, step: str, *words: str) -> str:
        done = self.build.bitbake(*words).stdout
        self._log(step, done)
        return done

    def _log(self, step: str, text: str) -> None:
        (self.directory / f"{step}.log").write_text(text)


def steps(release: Release, keys: Path, wanted: set[str]) -> Iterator[Row]:
    """Every step that is asked for, in order."""
    if "parse" in wanted:
        yield release.timed("parse", release.parse)
    if "check-layer" in wanted:
        yield release.timed("check-layer", release.check_layer)
    if "closure" in wanted:
        yield release.timed("closure", release.closure)
    if "build" not in wanted:
        return
    for target, file in zip(("app", "pantavisor-bsp", "device"), device.PARTS):
        row = release.timed(target, lambda: release.make(target, file))  # noqa: B023 - called at once
        yield row
        if not row.ok:
            return
    yield release.timed("verify", lambda: release.verify(keys))


def compare(rows: list[Row]) -> Iterator[str]:
    """A line for each thing that several releases made."""
    for step in dict.fromkeys(row.step for row in rows if row.sha256):
        made = {row.release: row.sha256 for row in rows if row.step == step and row.sha256}
        if len(made) > 1:
            same = len(set(made.values())) == 1
            yield f"{step}: {'the same bytes' if same else 'DIFFERENT bytes'} on {', '.join(made)}"


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def last(text: str) -> str:
    """The first error of what was printed, else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    return next((line for line in lines if line.startswith("ERROR")), lines[-1])[:160]


def kept_keys(output: Path) -> Path:
    """The keys of all releases, made by the first run."""
    keys = output / "keys"
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output) as place:
        made = Path(place) / "keys"
        done = device.pvr("keys", "generate", made)
        if done.returncode:
            raise RuntimeError(done.stdout)
        with contextlib.suppress(OSError):  # there are keys
            made.rename(keys)
    return keys


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/oecore/run", description=__doc__)
    parser.add_argument("releases", nargs="+", metavar="RELEASE", help=", ".join(RELEASES))
    parser.add_argument("--steps", default=",".join(STEPS), help="some of: %(default)s")
    parser.add_argument(
        "--masked", action="store_true", help="without openembedded-core's recipes: seconds"
    )
    parser.add_argument("--output", type=Path, default=PROJECT / "build/oecore", help="logs and builds")
    given = parser.parse_args()
    if unknown := set(given.steps.split(",")) - set(STEPS):
        parser.error(f"--steps has {', '.join(sorted(unknown))}: use some of {', '.join(STEPS)}")
    return given


def main() -> int:
    given = options()
    checkouts = []
    for name in given.releases:
        checkout = find(name)
        if checkout is None:
            print(f"run: {why_missing(name)}", file=sys.stderr)
            return 2
        checkouts.append(checkout)
    output = given.output.resolve()
    keys = kept_keys(output)
    rows: list[Row] = []
    # Several may run at once, each with releases of its own.
    with tempfile.TemporaryDirectory() as place, device.served(Path(place)) as lines:
        for checkout in checkouts:
            directory = output / checkout.release
            shutil.rmtree(directory, ignore_errors=True)
            build = device.make(checkout, directory / "build", keys, lines + (MASK if given.masked else ""))
            rows += steps(Release(checkout, directory, build), keys, set(given.steps.split(",")))
    differences = list(compare(rows))
    print(*differences, sep="\n")
    return (
        0 if all(row.ok for row in rows) and not any(" DIFFERENT " in line for line in differences) else 1
    )


if __name__ == "__main__":
    sys.exit(main())
