# SPDX-License-Identifier: MIT
"""``pvr cache``, and the cache that the environment names."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Optional

from ..cache import DEFAULT_SIZE, Cache, byte_count
from ..errors import FormatError, NotFound
from .console import Console

DIRECTORY_VARIABLE = "PVR_CACHE_DIR"
SIZE_VARIABLE = "PVR_CACHE_SIZE"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add cache."""
    cache = commands.add_parser(
        "cache",
        help="the cache of packed blocks",
        description=(
            "The cache of packed blocks, which makes the next squashfs quicker and changes none. "
            f"{DIRECTORY_VARIABLE} names its directory; an empty value turns it off. "
            f"{SIZE_VARIABLE} limits its size; default: {DEFAULT_SIZE}."
        ),
    )
    verbs = cache.add_subparsers(dest="verb", metavar="VERB", required=True)
    info = verbs.add_parser("info", help="where it is and what it holds")
    info.add_argument("--json", action="store_true", help="print JSON")
    info.set_defaults(run=_info)
    verbs.add_parser("clear", help="remove all that it holds").set_defaults(run=_clear)


def from_environment(console: Console) -> Optional[Cache]:
    """The cache, or None where there is none. Raises FormatError."""
    directory = _directory()
    if directory is None:
        return None
    text = os.environ.get(SIZE_VARIABLE) or DEFAULT_SIZE
    try:
        size = byte_count(text)
    except FormatError as error:
        raise FormatError(f"{SIZE_VARIABLE}: {error.message}", hint=error.hint) from error
    return Cache(directory, size, note=lambda text: console.line(f"note: {text}"))


def _directory() -> Optional[Path]:
    given, home = os.environ.get(DIRECTORY_VARIABLE), os.environ.get("HOME")
    if given is not None:
        return Path(given) if given else None
    caches = os.environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    return Path(caches, "pvr") if caches else None


def _asked(console: Console) -> Cache:
    cache = from_environment(console)
    if cache is None:
        raise NotFound("there is no cache", hint=f"set {DIRECTORY_VARIABLE} to its directory")
    return cache


def _info(options: argparse.Namespace, console: Console) -> None:
    report = _asked(console).report()
    if options.json:
        console.json(
            {
                "bytes": report.bytes,
                "directory": str(report.directory),
                "entries": report.entries,
                "max_bytes": report.max_bytes,
            }
        )
        return
    sizes = [f"{size / 1e6:.1f} MB" for size in (report.bytes, report.max_bytes)]
    row = [str(report.directory), str(report.entries), *sizes]
    console.table(["directory", "entries", "size", "at most"], [row])


def _clear(options: argparse.Namespace, console: Console) -> None:
    console.line(f"{_asked(console).clear() / 1e6:.1f} MB removed")
