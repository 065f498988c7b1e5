# SPDX-License-Identifier: MIT
"""``pvr init``, ``add``, ``commit`` and what else works on a repository as a whole."""

from __future__ import annotations

import argparse
import glob
import json
import os
import re
import urllib.parse
from pathlib import Path

from .. import cjson, manifests, names, repo
from ..errors import PantavisorError
from ..repo import Repository
from ..state import SPEC, State
from . import devices, epoch, here
from .console import Console, count, first_of
from .transfer import SOURCE


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of a repository."""
    for declare in (_declare_init, _declare_staging, _declare_showing, _declare_trees, _declare_gc):
        declare(commands)


def _declare_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    init = commands.add_parser(
        "init",
        help="make an empty repository",
        description="Make a directory an empty repository. What is in it stays as it is.",
    )
    init.add_argument("directory", type=Path, nargs="?", default=Path("."), help="default: this one")
    init.add_argument(
        "--objects", metavar="DIR", help="keep objects elsewhere; a relative path starts at the directory"
    )
    init.add_argument("--spec", default=SPEC, help=f"format of the state; there is one: {SPEC}")
    init.set_defaults(run=_init)


def _declare_staging(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    add = commands.add_parser(
        "add",
        help="stage files for the next commit",
        description="Stage files for the next commit. Tracked ones need no adding again.",
    )
    add.add_argument(
        "paths", nargs="*", metavar="FILE", help="file, directory or pattern; default: everything"
    )
    add.add_argument("--raw", action="store_true", help="keep JSON files as objects, byte for byte")
    add.set_defaults(run=_add)

    commit = commands.add_parser(
        "commit",
        help="make the working tree the committed state",
        description=(
            "Make the staged and tracked files, as they are now, the committed state. "
            "Tracked files that are gone leave it."
        ),
    )
    commit.add_argument("-m", "--message", default=repo.DEFAULT_MESSAGE, help="text for .pvr/commitmsg")
    commit.add_argument(
        "-c",
        "--checkpoint",
        action="store_true",
        help=f"write the time, or {epoch.VARIABLE}, into checkpoint.json: the state differs",
    )
    commit.set_defaults(run=_commit)


def _declare_showing(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    status = commands.add_parser(
        "status",
        help="working tree against committed state",
        description=(
            "Show how the working tree differs from the committed state: "
            "A new, D removed, C changed, ? not tracked, which pvr add would do."
        ),
    )
    status.add_argument("--json", action="store_true", help="print JSON")
    status.set_defaults(run=_status)

    show = commands.add_parser("json", help="the committed state as JSON")
    show.add_argument("--canonical", action="store_true", help="print one line, as it is signed")
    show.set_defaults(run=_json)

    diff = commands.add_parser("diff", help="the difference as a JSON merge patch")
    diff.add_argument(
        "paths", type=Path, nargs="*", metavar="FILE", help="file or directory; default: everything"
    )
    diff.set_defaults(run=_diff)


def _declare_trees(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    checkout = commands.add_parser(
        "checkout",
        help="write the committed state's files",
        description=(
            "Write the files of the committed state. Untracked files stay; files of "
            "an earlier state go, unless they were changed."
        ),
    )
    checkout.add_argument("-c", "--canonical", action="store_true", help="canonical JSON, as always")
    checkout.add_argument("--hardlink", action="store_true", help="link objects instead of copying them")
    checkout.set_defaults(run=_checkout)

    clone = commands.add_parser(
        "clone", help="make a repository from another, from an export or from a device"
    )
    clone.add_argument("source", help=SOURCE)
    clone.add_argument("directory", type=Path, nargs="?", help="default: the source's name")
    clone.add_argument(
        "--objects", metavar="DIR", help="keep objects elsewhere; a relative path starts at the directory"
    )
    clone.add_argument("--canonical", action="store_true", help="canonical JSON, as always")
    clone.add_argument("--spec", default=SPEC, help=f"format of the state; there is one: {SPEC}")
    clone.set_defaults(run=_clone)


def _declare_gc(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    collect = commands.add_parser(
        "gc", help="remove objects that neither the committed state nor a staged file needs"
    )
    collect.add_argument("-n", "--dry-run", action="store_true", help="only print what would be removed")
    collect.set_defaults(run=_collect)


def _check_spec(options: argparse.Namespace) -> None:
    if options.spec != SPEC:
        raise names.unknown(options.spec, [SPEC], what="spec")


def _init(options: argparse.Namespace, console: Console) -> None:
    _check_spec(options)
    repository = Repository.init(options.directory, objects=options.objects)
    console.line(f"{repository.root} is a pvr repository now")


def _add(options: argparse.Namespace, console: Console) -> None:
    wanted = [path for word in options.paths for path in _matching(word)]
    staged = here.repository().add(wanted, raw=options.raw)
    console.detail("\n".join(staged))


def _matching(word: str) -> list[Path]:
    """The file or folder of that name, else the files that it is a pattern for."""
    found = (
        []
        if os.path.lexists(word)
        else [Path(name) for name in sorted(glob.glob(word)) if os.path.isfile(name)]
    )
    return found or [Path(word)]


def _json(options: argparse.Namespace, console: Console) -> None:
    text = here.repository().state.dumps()
    console.result(
        text.decode() if options.canonical else json.dumps(json.loads(text), indent=4, ensure_ascii=False)
    )


def _commit(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    state = repository.commit(
        message=options.message, checkpoint=epoch.rfc3339() if options.checkpoint else None
    )
    for warning in state.warnings():
        console.warn(warning)
    if "device.json" in state:
        _warn_of_manifests(state, console)
    console.line(f"committed {state.digest()[:12]}: {count(state, 'path')}")
    left = repository.untracked()
    if left:
        console.line(f"not tracked, so not committed: {first_of(left)}; pvr add takes them in")


def _warn_of_manifests(state: State, console: Console) -> None:
    """It may be on its way to be right, so it is kept."""
    try:
        manifests.check_state(state)
    except PantavisorError as error:
        hint = f"; {error.hint}" if error.hint else ""
        console.warn(f"no device takes this state: {error.message}{hint}")


def _status(options: argparse.Namespace, console: Console) -> None:
    status = here.repository().status()
    letters = {"A": status.added, "D": status.removed, "C": status.changed, "?": status.untracked}
    if options.json:
        console.json(
            {
                "added": status.added,
                "removed": status.removed,
                "changed": status.changed,
                "untracked": status.untracked,
            }
        )
        return
    for letter, paths in letters.items():
        for path in paths:
            console.result(f"{letter} {path}")


def _diff(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    committed, working = repository.state, repository.working()
    changes = working.diff(committed)
    if options.paths:
        changes = changes.within(repository.named(options.paths))
    patch = {
        **{path: working[path] for path in (*changes.added, *changes.changed)},
        **dict.fromkeys(changes.removed),
    }
    console.result(json.dumps(json.loads(cjson.dumps(patch)), indent=4))


def _checkout(options: argparse.Namespace, console: Console) -> None:
    here.repository().checkout(links=options.hardlink)


def _clone(options: argparse.Namespace, console: Console) -> None:
    _check_spec(options)
    source = repo.StateSource.parse(options.source)
    repository = repo.clone(
        source,
        options.directory or _directory(source),
        objects=options.objects,
        opener=devices.opener(console),
    )
    console.line(f"{repository.root} holds {count(repository.state, 'path')}")


def _directory(source: repo.StateSource) -> Path:
    """Where to clone to: ``demo`` for ``/there/demo``, ``/there/demo/.pvr``, ``/there/demo.tgz`` and
    ``http://demo:12368/cgi-bin/pvr``.
    """
    if source.url:
        return Path(urllib.parse.urlsplit(source.url).hostname or "device")
    path = source.path.absolute()
    name = (
        path.parent.name
        if path.name == ".pvr"
        else re.sub(r"(\.pvrexport)?\.(tgz|tar|tar\.gz)$", "", path.name)
    )
    return Path(name)


def _collect(options: argparse.Namespace, console: Console) -> None:
    found = repo.collect(here.repository(), dry_run=options.dry_run)
    for object_id in found.object_ids:
        console.result(object_id)
    done = "to remove" if options.dry_run else "removed"
    console.line(f"{count(found.object_ids, 'object')} {done}, {found.freed} bytes freed")
