# SPDX-License-Identifier: MIT
"""The command: ask BitBake which images a build names by a tag, and compare them with the lock file."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from pantavisor import atomic
from pantavisor.cli.console import discard
from pantavisor.cli.failures import explain
from pantavisor.digest import Digest
from pantavisor.errors import PantavisorError
from pvbb import imagelock

from .reports import FOLDER, Image, NoAnswer, read

DESCRIPTION = """\
Pin every image that the targets name by a tag, in the file of PVR_DOCKER_LOCK. Called where the command
bitbake works: after oe-init-build-env, or as kas shell product.yml -c '.../scripts/lock write TARGET'.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="scripts/lock", description=DESCRIPTION)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="write|update|check")
    for verb, what in (
        ("write", "add what is missing, remove what the targets do not name; what is locked stays"),
        ("update", "lock what each tag names now"),
        ("check", "fail unless the file has each image of the targets and no other; show tags that moved"),
    ):
        each = verbs.add_parser(verb, help=what, description=what)
        each.add_argument("target", nargs="+", help="recipes, as bitbake takes them")
        if verb == "update":
            each.add_argument("--only", metavar="REFERENCE", action="append", help="leave the others")
    return top


def main(argv: Optional[Sequence[str]] = None) -> int:
    """0; 2 for something that the user can correct; BitBake's status; 130 when interrupted."""
    options = parser().parse_args(argv)
    try:
        images = ask(options.target)
        if not images:
            print("no recipe of the targets names an image by a tag alone")
        for path in sorted({image.lock for image in images}):
            mine = [image for image in images if image.lock == path]
            lock(options.verb, path, mine, getattr(options, "only", None))
        sys.stdout.flush()
        return 0
    except PantavisorError as error:
        return report_error(error)
    except OSError as error:
        discard(sys.stdout)  # which may be what cannot be written
        return report_error(explain(error) or PantavisorError(str(error)))
    except subprocess.CalledProcessError as error:
        return error.returncode if error.returncode > 0 else 128 - error.returncode
    except KeyboardInterrupt:
        return 130


def report_error(error: PantavisorError) -> int:
    """The exit status of what the user can correct."""
    print(f"lock: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  hint: {error.hint}", file=sys.stderr)
    return 2


def ask(targets: Sequence[str]) -> list[Image]:
    """What do_lock_image of each recipe reports."""
    program = shutil.which("bitbake")
    if program is None:
        raise PantavisorError(
            "the command bitbake is not found", hint="run it in 'kas shell', or source oe-init-build-env"
        )
    folder = Path(os.environ.get("BUILDDIR") or ".", FOLDER)
    if not folder.parent.is_dir():
        raise PantavisorError(
            f"BUILDDIR is {folder.parent}, which is not a directory",
            hint="run it in 'kas shell', or source oe-init-build-env again",
        )
    shutil.rmtree(folder, ignore_errors=True)
    try:
        command = [program, "--runall=lock_image", *targets]
        subprocess.run(command, cwd=folder.parent, stdout=sys.stderr, check=True)
        return read(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def lock(verb: str, path: Path, images: Sequence[Image], only: Optional[Sequence[str]]) -> None:
    """Bring the file and the images together, or compare them. Raises PantavisorError."""
    before = imagelock.read(path)
    named = {image.reference: image for image in images}
    unknown = sorted(set(only or ()) - set(named))
    if unknown:
        raise PantavisorError(
            f"no recipe of the targets names {unknown[0]}", hint="write it as check prints it"
        )
    if verb == "check":
        check(path, before, named)
        return
    after = dict(before)
    for reference in set(before) - set(named):
        del after[reference]
    for reference, image in named.items():
        fresh = verb == "update" and (not only or reference in only)
        if fresh or reference not in before:
            after[reference] = image.found()
    if after != before or not path.exists():
        write(path, after)
    for reference in sorted({*before, *after}):
        old, new = before.get(reference), after.get(reference)
        if old != new:
            print(f"{reference}: {old or 'new'} -> {new or 'removed'}")
    print(f"{path}: {len(after)} images")


def write(path: Path, images: dict[str, Digest]) -> None:
    """Replace the file. Raises PantavisorError."""
    try:
        atomic.write(path, imagelock.dump(images))
    except OSError as error:
        raise PantavisorError(
            f"the lock file {path} cannot be written: {error.strerror}", hint=imagelock.PLACE_HINT
        ) from error


def check(path: Path, before: dict[str, Digest], named: dict[str, Image]) -> None:
    """Raise PantavisorError where the two differ."""
    hint = "run: scripts/lock write TARGET"
    for reference in sorted(set(named) - set(before)):
        raise PantavisorError(f"{path} has no digest for {reference}", hint=hint)
    for reference in sorted(set(before) - set(named)):
        raise PantavisorError(f"{path} has {reference}, which no recipe of the targets names", hint=hint)
    for reference in sorted(named):
        try:
            found = named[reference].found()
        except NoAnswer as error:
            print(f"{reference}: what the tag names now is not known: {error.message}")
            continue
        if found != before[reference]:
            print(f"{reference}: locked to {before[reference]}, the tag names {found} now")
    print(f"{path}: {len(before)} images, complete")
