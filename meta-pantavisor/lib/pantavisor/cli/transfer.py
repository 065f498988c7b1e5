# SPDX-License-Identifier: MIT
"""``pvr get``, ``merge``, ``export``, ``import`` and ``deploy``: what repositories take and give."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Optional

from .. import export, repo
from ..errors import FormatError, PantavisorError
from ..state import State
from . import devices, here, key_options
from .console import Console, count, first_of

SOURCE = (
    "repository, export or device (http://HOST:12368/cgi-bin/pvr); "
    "SOURCE#PART,-PART chooses parts or paths, or leaves them out"
)
LOCAL_SOURCE = "repository or export; SOURCE#PART,-PART chooses parts or paths, or leaves them out"
CHANGES_STATE = "Only the committed state changes: pvr checkout writes its files."


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands between repositories, exports and the storage of a device."""
    _declare_taking(commands)
    _declare_exports(commands)
    _declare_deploy(commands)


def _declare_taking(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text, drop in (
        ("get", "take parts of another state, and drop those after a minus", True),
        ("merge", "take parts of another state", False),
    ):
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
    out.add_argument(
        "--parts",
        default="",
        metavar="PART,-PART",
        help="only these parts or paths, without those after a minus",
    )
    out.set_defaults(run=_export)

    take_in = commands.add_parser(
        "import",
        help="replace the committed state by an export's",
        description=f"Replace the committed state by an export's. {CHANGES_STATE}",
    )
    take_in.add_argument("source", type=Path, help="export file")
    take_in.set_defaults(run=_import)


def _declare_deploy(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    deploy = commands.add_parser("deploy", help="write a device's revision (such as trails/0) from sources")
    deploy.add_argument(
        "-n",
        "--no-merge",
        dest="drop",
        action="store_true",
        help="drop from the revision what is after a minus",
    )
    deploy.add_argument(
        "--commit",
        action="store_true",
        help="boot the revision from now on, instead of trying it once",
    )
    deploy.add_argument(
        "--set",
        action="store_true",
        help="sign the set of all its parts as a release, where a source exchanges some of one",
    )
    key_options.declare_release(deploy)
    key_options.declare_signer(deploy)
    deploy.add_argument("target", type=Path, help="STORAGE/trails/REVISION; what it holds already stays")
    deploy.add_argument("sources", nargs="*", metavar="source", help=LOCAL_SOURCE)
    deploy.set_defaults(run=_deploy)


def _take(options: argparse.Namespace, console: Console) -> None:
    repository = here.repository(options.target)
    source = repository.last_source() if options.source is None else repo.StateSource.parse(options.source)
    with devices.opener(console)(source) as (state, pool):
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
            f"the export has {first_of(stale)} as committed; "
            "the working tree differs: pvr commit, then export"
        )
    if str(options.target) == "-":
        with tempfile.TemporaryDirectory() as folder:
            export.write(Path(folder) / "export.tar", chosen, repository.pool)
            with open(Path(folder) / "export.tar", "rb") as stream:
                shutil.copyfileobj(stream, sys.stdout.buffer)
        return
    export.write(options.target, chosen, repository.pool)
    console.line(f"{options.target} is written")


def _import(options: argparse.Namespace, console: Console) -> None:
    state = here.repository().read_export(options.source)
    console.line(f"the committed state has {count(state, 'path')}; run pvr checkout to write their files")


def _deploy(options: argparse.Namespace, console: Console) -> None:
    sources = map(repo.StateSource.parse, options.sources)
    sign = _signed_set(options)
    before, least = repo.committed_state(options.target), _least_release(options.target)
    had_storage = repo.boot_environment(options.target) is not None
    state = repo.deploy(options.target, sources, drop=options.drop, commit=options.commit, sign=sign)
    console.line(f"{options.target} holds {count(state, 'path')}")
    if before is not None and before != state:
        console.warn(
            f"{options.target} was committed already, so the device has no way back from this change; "
            "a revision of another number is tried first"
        )
    _warn_of_refusal(options.target, state, least, console)
    boots = repo.boot_environment(options.target)
    if boots is not None and not had_storage and not options.commit:
        console.warn(
            f"{options.target} had no storage of a device around it, so one begins there; "
            "for a card, mount it first"
        )
    if boots is not None and boots.tried:
        console.line(
            f"the device tries {boots.tried} once, and returns to {boots.revision} if it does not run well"
        )
    elif boots is not None:
        console.line(f"the device boots {boots.revision} from now on")


def _least_release(target: Path) -> int:
    """For a warning: where it cannot be read, none."""
    try:
        return repo.least_release(target)
    except PantavisorError:
        return 0


def _signed_set(options: argparse.Namespace) -> Callable[[State], State]:
    """What signs the set; without ``--set`` it leaves a state as it is."""
    if not options.set:
        if options.release is not None:
            raise PantavisorError("--release is the number of a set", hint="add --set")
        if options.key or options.x5c or options.signer or options.pkcs11:
            raise PantavisorError("a key is given, and nothing is signed", hint="add --set")
        return lambda state: state
    signer = key_options.signer(options)

    def sign(state: State) -> State:
        from .. import keys, pvs

        key_options.check_secrecy(options, state)
        release, least = pvs.next_release(state, options.release), repo.least_release(options.target)
        if options.release is None:
            release = max(release, least + 1)
        elif release < least:
            raise PantavisorError(f"the device has had release {least} already", hint="use a higher number")
        return keys.sign_set(state, signer, release)

    return sign


def _warn_of_refusal(target: Path, state: State, least: int, console: Console) -> None:
    """Where no device runs what was deployed, or this one, which has had the release ``least``."""
    from .. import pvs

    if "bsp/run.json" not in state:
        console.warn(
            f"{target} has no bsp, so no device boots it; a source may be the revision that has one"
        )
    broken = _broken_signature(state)
    if broken is not None:
        is_set = f"{pvs.SET}.json" in broken.message
        way = "add --set and the key of the release" if is_set else "in a repository, sign it again"
        console.warn(f"a device that verifies refuses it: {broken.message}; {way}")
        return
    release = max((signature.release or 0 for signature in pvs.signatures(state)), default=0)
    if release < least:
        number = f"its release is {release}" if release else "it has no release"
        console.warn(
            f"a device that verifies refuses it: {number}, and this one has had {least}; "
            "add --set and the key of the release"
        )


def _broken_signature(state: State) -> Optional[PantavisorError]:
    """The first signature that does not match what it covers; its signer need not be trusted."""
    from .. import keys, pvs

    try:
        for signature in pvs.signatures(state):
            keys.verify_signature(signature, state, keys.TrustStore.parse(keys.own_root(signature)))
    except PantavisorError as error:
        return error
    return None
