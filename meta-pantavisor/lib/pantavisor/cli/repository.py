# SPDX-License-Identifier: MIT
"""``pvr init``, ``add``, ``commit`` and what else works on a repository as a whole."""

from __future__ import annotations

import argparse
import glob
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .. import cjson, export, names, repo
from ..errors import FormatError
from ..repo import Repository
from ..state import SPEC
from . import epoch, here
from .console import Console, count

SOURCE = "repository or export; SOURCE#PART,-PART chooses parts or paths, or leaves them out"
CHANGES_STATE = "Only the committed state changes: pvr checkout writes its files."


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of a repository."""
    for declare in (
        _declare_init, _declare_staging, _declare_showing, _declare_trees,
        _declare_taking, _declare_exports, _declare_gc, _declare_deploy,
    ):  # fmt: skip
        declare(commands)


def _declare_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    init = commands.add_parser("init", help="make an empty repository",
                               description="Make a directory an empty repository. What is in it stays as it is.")  # fmt: skip
    init.add_argument("directory", type=Path, nargs="?", default=Path("."), help="default: this one")
    init.add_argument(
        "--objects", metavar="DIR", help="keep objects elsewhere; a relative path starts at the directory"
    )
    init.add_argument("--spec", default=SPEC, help=f"format of the state; there is one: {SPEC}")
    init.set_defaults(run=_init)


def _declare_staging(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    add = commands.add_parser("add", help="stage files for the next commit",
                              description="Stage files for the next commit. Tracked ones need no adding again.")  # fmt: skip
    add.add_argument(
        "paths", nargs="*", metavar="FILE", help="or a folder, or a pattern for files; default: everything"
    )
    add.add_argument("--raw", action="store_true", help="keep JSON files as objects, byte for byte")
    add.set_defaults(run=_add)

    commit = commands.add_parser("commit", help="make the working tree the committed state",
                                 description="Make the staged and tracked files, as they are now, the committed state. "
                                             "Tracked files that are gone leave it.")  # fmt: skip
    commit.add_argument(
        "-m", "--message", default=repo.DEFAULT_MESSAGE, help="what .pvr/commitmsg is to say"
    )
    commit.add_argument("-c", "--checkpoint", action="store_true",
                        help=f"write the time, or {epoch.VARIABLE}, into checkpoint.json: the state differs")  # fmt: skip
    commit.set_defaults(run=_commit)


def _declare_showing(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    status = commands.add_parser("status", help="working tree against committed state",
                                 description="Show how the working tree differs from the committed state: A new, D removed, "
                                             "C changed, ? not tracked, which pvr add would do.")  # fmt: skip
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(run=_status)

    show = commands.add_parser("json", help="the committed state as JSON")
    show.add_argument("--canonical", action="store_true", help="in one line, as it is signed")
    show.set_defaults(run=_json)

    diff = commands.add_parser("diff", help="the difference as a JSON merge patch")
    diff.add_argument(
        "paths", type=Path, nargs="*", metavar="FILE", help="or a folder; default: everything"
    )
    diff.set_defaults(run=_diff)


def _declare_trees(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    checkout = commands.add_parser("checkout", help="write the committed state's files",
                                   description="Write the files of the committed state. Untracked files stay; files of "
                                               "an earlier state go, unless they were changed.")  # fmt: skip
    checkout.add_argument("-c", "--canonical", action="store_true", help="canonical JSON, as always")
    checkout.add_argument("--hardlink", action="store_true", help="link objects instead of copying them")
    checkout.set_defaults(run=_checkout)

    clone = commands.add_parser("clone", help="make a repository from another, or from an export")
    clone.add_argument("source", help=SOURCE)
    clone.add_argument("directory", type=Path, nargs="?", help="default: the source's name")
    clone.add_argument(
        "--objects", metavar="DIR", help="keep objects elsewhere; a relative path starts at the directory"
    )
    clone.add_argument("--canonical", action="store_true", help="canonical JSON, as always")
    clone.add_argument("--spec", default=SPEC, help=f"format of the state; there is one: {SPEC}")
    clone.set_defaults(run=_clone)


def _declare_taking(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text, drop in (("get", "take parts of another state, and drop those behind a minus", True),
                             ("merge", "take parts of another state", False)):  # fmt: skip
        take = commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}. {CHANGES_STATE}"
        )
        take.add_argument("source", nargs="?", help=f"{SOURCE}; default: the last one")
        take.add_argument(
            "target", nargs="?", type=Path, help="repository to take it into; default: this one"
        )
        take.set_defaults(run=_take, drop=drop)


def _declare_exports(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    out = commands.add_parser("export", help="write the state and its objects into one file")
    out.add_argument("target", type=Path, help="FILE.tgz or FILE.tar; - for a tar on stdout")
    out.add_argument("--parts", default="", metavar="PART,-PART",
                     help="only these parts or paths, less those behind a minus")  # fmt: skip
    out.set_defaults(run=_export)

    take_in = commands.add_parser("import", help="replace the committed state by an export's",
                                  description=f"Replace the committed state by an export's. {CHANGES_STATE}")  # fmt: skip
    take_in.add_argument("source", type=Path, help="export file")
    take_in.set_defaults(run=_import)


def _declare_gc(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    collect = commands.add_parser(
        "gc", help="remove objects that neither the committed state nor a staged file needs"
    )
    collect.add_argument("-n", "--dry-run", action="store_true", help="only say what would be removed")
    collect.set_defaults(run=_collect)


def _declare_deploy(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    deploy = commands.add_parser("deploy", help="write a device's revision (such as trails/0) from sources")
    deploy.add_argument("-n", "--no-merge", dest="drop", action="store_true",
                        help="replace files as always, and drop from the revision what is behind a minus")  # fmt: skip
    deploy.add_argument("--commit", action="store_true",
                        help="boot the revision from now on, in place of one try beside the committed one")  # fmt: skip
    deploy.add_argument("target", type=Path, help="STORAGE/trails/REVISION; what it holds already stays")
    deploy.add_argument("sources", nargs="*", metavar="source", help=SOURCE)
    deploy.set_defaults(run=_deploy)


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
    console.line(f"committed {state.digest()[:12]}: {count(state, 'path')}")
    left = repository.untracked()
    if left:
        console.line(f"not tracked, so not committed: {left[0]}{_more(left)}; pvr add takes them in")


def _status(options: argparse.Namespace, console: Console) -> None:
    status = here.repository().status()
    letters = {"A": status.added, "D": status.removed, "C": status.changed, "?": status.untracked}
    if options.json:
        console.json({"added": status.added, "removed": status.removed, "changed": status.changed,
                      "untracked": status.untracked})  # fmt: skip
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
    source = repo.Source.parse(options.source)
    repository = repo.clone(source, options.directory or _directory(source.path), objects=options.objects)
    console.line(f"{repository.root} holds {count(repository.state, 'path')}")


def _directory(source: Path) -> Path:
    """Where to clone to: ``demo`` for ``/there/demo``, ``/there/demo/.pvr`` and ``/there/demo.tgz``."""
    path = source.absolute()
    name = (
        path.parent.name
        if path.name == ".pvr"
        else re.sub(r"(\.pvrexport)?\.(tgz|tar|tar\.gz)$", "", path.name)
    )
    return Path(name)


def _take(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository(options.target)
    source = repository.last_source() if options.source is None else repo.Source.parse(options.source)
    with repo.opened(source.path) as (state, pool):
        merged = repository.merge_from(state, pool, source.part_filter, drop=options.drop)
    repository.remember(source)
    console.line(f"the committed state has {count(merged, 'path')}; run pvr checkout to write their files")


def _export(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository()
    chosen = repo.select(repository.state, repo.PartFilter.parse(options.parts))
    if options.target.is_dir():
        raise FormatError(f"{options.target} is a directory", hint="name a file: FILE.tgz")
    stale = [path for path in repository.uncommitted() if path in chosen]
    if stale:
        console.warn(
            f"the export has {stale[0]}{_more(stale)} as committed; the working tree differs: pvr commit, then export"
        )
    if str(options.target) == "-":
        with tempfile.TemporaryDirectory() as folder:
            export.write(Path(folder) / "export.tar", chosen, repository.pool)
            with open(Path(folder) / "export.tar", "rb") as stream:
                shutil.copyfileobj(stream, sys.stdout.buffer)
        return
    export.write(options.target, chosen, repository.pool)
    console.line(f"{options.target} is written")


def _more(paths: Sequence[str]) -> str:
    return f" and {len(paths) - 1} more" if paths[1:] else ""


def _import(options: argparse.Namespace, console: Console) -> None:
    state = here.repository().read_export(options.source)
    console.line(f"the committed state has {count(state, 'path')}; run pvr checkout to write their files")


def _collect(options: argparse.Namespace, console: Console) -> None:
    found = repo.collect(here.repository(), dry_run=options.dry_run)
    for object_id in found.object_ids:
        console.result(object_id)
    done = "to remove" if options.dry_run else "removed"
    console.line(f"{count(found.object_ids, 'object')} {done}, {found.freed} bytes freed")


def _deploy(options: argparse.Namespace, console: Console) -> None:
    sources = map(repo.Source.parse, options.sources)
    before = repo.committed_state(options.target)
    state = repo.deploy(options.target, sources, drop=options.drop, commit=options.commit)
    console.line(f"{options.target} holds {count(state, 'path')}")
    if before is not None and before != state:
        console.warn(f"{options.target} was committed already, so the device has no way back from this change; "
                     "a revision of another number is tried first")  # fmt: skip
    if "bsp/run.json" not in state:
        console.warn(
            f"{options.target} has no bsp, so no device boots it; a source may be the revision that has one"
        )
    boots = repo.boot_environment(options.target)
    if boots is not None and boots.tried:
        console.line(
            f"the device tries {boots.tried} once, and returns to {boots.revision} if it does not run well"
        )
    elif boots is not None:
        console.line(f"the device boots {boots.revision} from now on")
