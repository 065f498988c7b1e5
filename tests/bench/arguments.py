# SPDX-License-Identifier: MIT
"""Words of the benchmarks' command lines, refused in one sentence before anything is made; and how a
benchmark ends that cannot go on.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def run(main: Callable[[], None], *, hint: str = "read what it printed above") -> None:
    """Run a benchmark, and end it in one sentence where a program that it needs fails. Whatever ends it,
    its scratch files go.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted; nothing is left", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except subprocess.CalledProcessError as error:
        program = Path(str(error.cmd[0])).name
        sys.exit(f"{program} ended with {error.returncode}\n  hint: {hint}")


def folder(text: str) -> Path:
    """A folder that exists, by its whole path: what is run may work in another one."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a directory\n  hint: run: mkdir -p {text}")
    return Path(text).resolve()


def layout(text: str) -> Path:
    """A folder with an OCI layout."""
    if not (Path(text) / "oci-layout").is_file():
        raise argparse.ArgumentTypeError(
            f"{text} is not an OCI layout\n  hint: make one: skopeo copy docker://IMAGE oci:{text}:1"
        )
    return Path(text)


def count(text: str) -> int:
    """A number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f'"{text}" is not a number from 1 on\n  hint: use digits, such as 3'
        )
    return int(text)


def parse(parser: argparse.ArgumentParser, cases: Collection[str]) -> argparse.Namespace:
    """The command line of a benchmark of several ``cases``, each run several times."""
    runs = "runs of each way, in turns; default: %(default)s"
    parser.add_argument("--repeats", type=count, default=3, metavar="N", help=runs)
    parser.add_argument("cases", nargs="*", default=[], metavar="case", help=f"of {', '.join(cases)}")
    options = parser.parse_args()
    if unknown := [case for case in options.cases if case not in cases]:
        parser.error(f"{unknown[0]} is not a case\n  hint: use one of: {', '.join(cases)}")
    return options


def need(parser: argparse.ArgumentParser, programs: Iterable[str]) -> None:
    """End where a program is not installed."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        parser.error(
            f"not installed: {', '.join(missing)}\n  hint: install the packages that README.md names"
        )
