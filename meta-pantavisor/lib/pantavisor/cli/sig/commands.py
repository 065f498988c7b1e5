# SPDX-License-Identifier: MIT
"""What the verbs of ``pvr sig`` do that sign: with the key at hand, or by bytes that are carried to it."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ... import atomic, keys, names, pvs, regular
from ...errors import PantavisorError
from ...repo import Repository
from ...state import MAX_BYTES, State
from .. import here, key_options
from ..console import Console, first_of

MAX_REQUEST_BYTES = 2 * MAX_BYTES  # a state in base64, after a header
MAX_SIGNATURE_BYTES = 4096


def _selection(options: argparse.Namespace) -> pvs.Selection:
    """What is to be signed, in the published tool's reading of the options."""
    if options.raw == pvs.SET:
        return pvs.set_selection()
    if options.raw:
        if not options.include:
            raise PantavisorError(
                "a signature by --raw needs patterns", hint="use --include PATTERN, once for each"
            )
        return pvs.Selection(tuple(options.include), tuple(options.exclude))
    part = options.part
    whole = pvs.part_selection(part)
    include, exclude = whole.include, whole.exclude
    if options.include:
        rest = [pattern for pattern in include if pattern != f"{part}/**"]
        include = (*(f"{part}/{pattern}" for pattern in options.include), *rest)
    if options.exclude:
        rest = [pattern for pattern in exclude if pattern != f"{part}/src.json"]
        exclude = (*(f"{part}/{pattern}" for pattern in options.exclude), *rest)
    if options.noconfig:
        include = tuple(pattern for pattern in include if not pattern.startswith(names.OVERLAYS))
    return pvs.Selection(include, exclude)


def _check(state: State, options: argparse.Namespace, selection: pvs.Selection, console: Console) -> None:
    """Raise for a part that does not exist; warn of patterns without an effect."""
    if options.part and not state.part(options.part):
        if any(path.startswith(f"{options.part}/") for path in here.repository().uncommitted()):
            raise PantavisorError(f"{options.part} is not committed yet", hint="run: pvr add && pvr commit")
        raise names.unknown(options.part, state.part_names(), what="part")
    start = "" if options.raw else f"{options.part}/"
    for pattern in (f"{start}{pattern}" for pattern in options.include):
        if not any(pvs.matches(pattern, path) for path in state):
            console.warn(f'no committed path matches "{pattern}"')


def _change(change: Callable[[State], State], console: Console) -> None:
    """Change the committed state in one step, and write its new signatures into the working tree."""
    repository = here.repository()
    before = repository.state
    after = repository.update(change, in_tree=True)
    signed = [
        path for path in after if pvs.is_signature(path, after[path]) and before.get(path) != after[path]
    ]
    for path in signed:
        console.line(f"{path} is signed and committed")
    for other in pvs.signatures(after):
        if other.path not in signed and any(other.selection.covers(path) for path in signed):
            console.warn(f"{other.path} covers what was signed now; run: pvr sig update {other.name}")
    if not signed:
        console.line("every signature is as it was")
    _warn_of_uncommitted(repository, after, signed, console)


def _warn_of_uncommitted(repository: Repository, state: State, signed: list[str], console: Console) -> None:
    """What was signed is the committed state: the next commit makes a signature wrong that covers what
    differs from it.
    """
    asked = [signature for signature in pvs.signatures(state) if signature.path in signed or not signed]
    covered = [
        path for path in repository.uncommitted() if any(one.selection.covers(path) for one in asked)
    ]
    if covered:
        console.warn(
            f"only what is committed is signed, and the working tree differs in {first_of(covered)}: "
            "run: pvr add && pvr commit, then sign again"
        )


def add(options: argparse.Namespace, console: Console) -> None:
    selection = _selection(options)
    _check(here.repository().state, options, selection, console)
    signer = key_options.signer(options)
    key_options.check_secrecy(options, here.repository().state)
    _change(lambda state: keys.sign_state(state, options.part or options.raw, selection, signer), console)


def set_release(options: argparse.Namespace, console: Console) -> None:
    state = here.repository().state
    if not pvs.signatures(state):
        raise PantavisorError("the committed state has no signature", hint="run: pvr sig add --part NAME")
    release = pvs.next_release(state, options.release)
    signer = key_options.signer(options)
    key_options.check_secrecy(options, state)
    _change(lambda state: keys.sign_set(state, signer, release), console)
    console.line(f"its parts are release {release}")


def update(options: argparse.Namespace, console: Console) -> None:
    if not pvs.named(pvs.signatures(here.repository().state), options.names):
        raise PantavisorError("the committed state has no signature", hint="run: pvr sig add --part NAME")
    signer = key_options.signer(options)
    key_options.check_secrecy(options, here.repository().state)
    _change(lambda state: keys.resign(state, signer, options.names), console)


def request_signature(options: argparse.Namespace, console: Console) -> None:
    selection, state, chain = _selection(options), here.repository().state, key_options.chain(options)
    _check(state, options, selection, console)
    x5c = keys.chain_of(chain) if chain else ()
    name = options.part or options.raw
    algorithm = options.algorithm or (None if x5c else pvs.ALGORITHMS[0])
    release = pvs.next_release(state, options.release) if name == pvs.SET else None
    request = keys.signing_request(state, name, selection, algorithm=algorithm, x5c=x5c, release=release)
    atomic.write(options.file, request)
    used = pvs.Signature.parse("", pvs.signature_json(request.partition(b".")[0].decode(), b"")).algorithm
    flag = f"--part {name}" if options.part else f"--raw {name}"
    if name == pvs.SET and not options.part:
        flag = "--set"
    console.line(
        f"sign the bytes of {options.file} with {used}, then: "
        f"pvr sig attach {flag} {options.file} SIGNATURE"
    )


def attach(options: argparse.Namespace, console: Console) -> None:
    request, signature = (
        regular.read(options.request, limit=MAX_REQUEST_BYTES, pipe=True),
        regular.read(options.signature, limit=MAX_SIGNATURE_BYTES, pipe=True),
    )
    _change(lambda state: keys.attach(state, options.part or options.raw, request, signature), console)
