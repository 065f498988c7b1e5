# SPDX-License-Identifier: MIT
"""``pvr sig``: sign parts of the committed state, and say what the signatures cover.

The key may lie in a file, on a PKCS#11 token or behind a command; or the bytes are carried to where it is
(``request``) and the signature back (``attach``).
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from .. import atomic, cjson, keys, names, pvs
from ..errors import LimitError, PantavisorError, SignatureError
from ..repo import Repository
from ..state import MAX_BYTES, State, Value
from . import here, signers
from .console import Console
from .trust import signers_of, trusted

MAX_REQUEST_BYTES = 2 * MAX_BYTES  # a state in base64, behind a header
MAX_SIGNATURE_BYTES = 4096

ADD_PARTS = "The files have to be committed already. The signature is committed at once."
PATTERNS = "Patterns are exact paths, dir/**, dir/*, or * and ? within one segment: what tools and devices read alike."


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``sig`` with add, set, update, request, attach and ls."""
    noun = commands.add_parser("sig", help="sign parts, list signatures",
                               description="Sign parts of the committed state, and list what signatures cover. "
                                           "The options may come before the verb or after it.")  # fmt: skip
    signers.declare_signer(noun)
    signers.declare_trust(noun)
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="sign a part", description=f"Sign a part. {ADD_PARTS} {PATTERNS}")
    _part(add)
    signers.declare_signer(add, behind=True)
    add.set_defaults(run=_add)
    whole = verbs.add_parser("set", help="sign the set of all signatures",
                             description="Sign all signatures together, with the number of the release: no part can be "
                                         "taken out then, or exchanged for that of another release. The signature is "
                                         "committed at once; make it anew after each of the others.")  # fmt: skip
    _release(whole)
    signers.declare_signer(whole, behind=True)
    whole.set_defaults(run=_set)
    update = verbs.add_parser("update", aliases=["up"], help="sign again, after a change of files or keys",
                              description=f"Sign what signatures cover again. {ADD_PARTS}")  # fmt: skip
    update.add_argument(
        "names", nargs="*", metavar="NAME|PATH", help="web or _sigs/web.json; default: all signatures"
    )
    signers.declare_signer(update, behind=True)
    update.set_defaults(run=_update)
    _elsewhere(verbs)
    show = verbs.add_parser(
        "ls",
        help="check signatures and list what they cover",
        description="Check signatures and list what they cover. Without names every part must be signed.",
    )
    show.add_argument(
        "names", nargs="*", metavar="NAME|PATH", help="web or _sigs/web.json; default: all signatures"
    )
    show.add_argument("--part", action="append", default=[], metavar="NAME", help="one of them")
    how = show.add_mutually_exclusive_group()
    how.add_argument("--strict", action="store_true", help="every path must be seen by a signature")
    how.add_argument(
        "--allow-unsigned", action="store_true", help="do not ask for a signature over every part"
    )
    show.add_argument(
        "--set", dest="needs_set", action="store_true", help="a set signature must bind the parts together"
    )
    show.add_argument(
        "--signers", type=Path, metavar="JSON", help="table of who may sign what, as devices have it"
    )
    show.add_argument("--with-sigs", action="store_true", help="also show the signatures themselves")
    show.add_argument("--json", action="store_true", help="as JSON")
    signers.declare_trust(show, behind=True)
    show.set_defaults(run=_list)


def _elsewhere(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    request = verbs.add_parser("request", help="write what is to be signed elsewhere",
                               description=f"Write the bytes that the signer must sign. {PATTERNS}")  # fmt: skip
    _part(request)
    _release(request)
    request.add_argument("--algorithm", choices=pvs.ALGORITHMS,
                         help="of the key; default: what the certificate's key is for, or RS256")  # fmt: skip
    signers.declare_chain(request, behind=True)
    request.add_argument("file", type=Path, help="where to write")
    request.set_defaults(run=_request)
    attach = verbs.add_parser("attach", help="take a signature that was made elsewhere")
    _name(attach)
    attach.add_argument("request", type=Path, help="what was signed")
    attach.add_argument("signature", type=Path, help="raw bytes; ECDSA as r||s or DER")
    attach.set_defaults(run=_attach)


def _name(command: argparse.ArgumentParser) -> None:
    name = command.add_mutually_exclusive_group(required=True)
    name.add_argument("--part", metavar="NAME", help="container, or bsp with device.json and #spec")
    name.add_argument(
        "--raw", metavar="NAME", help="only a name for the signature; the patterns say what it covers"
    )
    if command.prog.endswith((" request", " attach")):
        name.add_argument(
            "--set", dest="raw", action="store_const", const=pvs.SET, help="the set of all signatures"
        )


def _release(command: argparse.ArgumentParser) -> None:
    command.add_argument("--release", type=int, metavar="NUMBER",
                         help="of the set; releases rise; default: one more than the committed one")  # fmt: skip


def _part(command: argparse.ArgumentParser) -> None:
    _name(command)
    command.add_argument("--include", action="append", default=[], metavar="PATTERN",
                         help="of the part, instead of **; with --raw as it stands")  # fmt: skip
    command.add_argument("--exclude", action="append", default=[], metavar="PATTERN",
                         help="of the part, instead of src.json; with --raw as it stands")  # fmt: skip
    command.add_argument("-n", "--noconfig", action="store_true", help="leave out the container's _config")


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
    whole = pvs.bsp_selection() if part == "bsp" else pvs.container_selection(part)
    include, exclude = whole.include, whole.exclude
    if options.include:
        rest = [pattern for pattern in include if pattern != f"{part}/**"]
        include = (*(f"{part}/{pattern}" for pattern in options.include), *rest)
    if options.exclude:
        rest = [pattern for pattern in exclude if pattern != f"{part}/src.json"]
        exclude = (*(f"{part}/{pattern}" for pattern in options.exclude), *rest)
    if options.noconfig:
        include = tuple(pattern for pattern in include if not pattern.startswith("_config/"))
    return pvs.Selection(include, exclude)


def _check(state: State, options: argparse.Namespace, selection: pvs.Selection, console: Console) -> None:
    """Raise for a part that is not there; warn of patterns said for nothing."""
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
        more = f" and {len(covered) - 1} more" if covered[1:] else ""
        console.warn(f"only what is committed is signed, and the working tree differs in {covered[0]}{more}: "
                     "run: pvr add && pvr commit, then sign again")  # fmt: skip


def _add(options: argparse.Namespace, console: Console) -> None:
    selection = _selection(options)
    _check(here.repository().state, options, selection, console)
    signer = signers.signer(options)
    signers.check_secrecy(options, here.repository().state)
    _change(lambda state: keys.sign_state(state, options.part or options.raw, selection, signer), console)


def _set(options: argparse.Namespace, console: Console) -> None:
    state = here.repository().state
    if not pvs.signatures(state):
        raise PantavisorError("the committed state has no signature", hint="run: pvr sig add --part NAME")
    release = pvs.next_release(state, options.release)
    signer = signers.signer(options)
    signers.check_secrecy(options, state)
    _change(lambda state: keys.sign_set(state, signer, release), console)
    console.line(f"its parts are release {release}")


def _update(options: argparse.Namespace, console: Console) -> None:
    if not pvs.named(pvs.signatures(here.repository().state), options.names):
        raise PantavisorError("the committed state has no signature", hint="run: pvr sig add --part NAME")
    signer = signers.signer(options)
    signers.check_secrecy(options, here.repository().state)
    _change(lambda state: keys.resign(state, signer, options.names), console)


def _request(options: argparse.Namespace, console: Console) -> None:
    selection, state, chain = _selection(options), here.repository().state, signers.chain(options)
    _check(state, options, selection, console)
    x5c = keys.chain_of(chain) if chain else ()
    name = options.part or options.raw
    algorithm = options.algorithm or (None if x5c else "RS256")
    release = pvs.next_release(state, options.release) if name == pvs.SET else None
    request = keys.signing_request(state, name, selection, algorithm=algorithm, x5c=x5c, release=release)
    atomic.write(options.file, request)
    used = pvs.Signature.parse("", pvs.signature_json(request.partition(b".")[0].decode(), b"")).algorithm
    flag = f"--part {name}" if options.part else f"--raw {name}"
    if name == pvs.SET and not options.part:
        flag = "--set"
    console.line(
        f"sign the bytes of {options.file} with {used}, then: pvr sig attach {flag} {options.file} SIGNATURE"
    )


def _attach(options: argparse.Namespace, console: Console) -> None:
    request, signature = (
        _read(options.request, MAX_REQUEST_BYTES),
        _read(options.signature, MAX_SIGNATURE_BYTES),
    )
    _change(lambda state: keys.attach(state, options.part or options.raw, request, signature), console)


def _read(path: Path, most: int) -> bytes:
    with open(path, "rb") as stream:
        text = stream.read(most + 1)
    if len(text) > most:
        raise LimitError(f"{path} is longer than the {most} bytes that it may have")
    return text


def _list(options: argparse.Namespace, console: Console) -> None:
    state, only = here.repository().state, [*options.names, *options.part]
    chosen = pvs.named(pvs.signatures(state), only)
    checked_against = trusted(options.cacerts, options.pubkey, default=signers.DEFAULT_KEYS / "ca.crt")
    trust = keys.TrustStore.parse(checked_against or b"")
    now = datetime.datetime.now(datetime.timezone.utc)
    found = keys.verify_state(
        state,
        trust,
        strict=options.strict,
        at=now,
        only=only,
        signers=signers_of(options.signers, checked_against),
        needs_set=options.needs_set,
    )
    if options.signers and not only:
        _check_reach(here.repository(), checked_against, signers_of(options.signers, checked_against))
    shown = {signature.path: state[signature.path] for signature in chosen} if options.with_sigs else {}
    of_set = pvs.check_set(state, pvs.signatures(state))
    _show(found, shown, of_set.release if of_set else None, options, console)
    if not (only or options.allow_unsigned):
        pvs.require_signed(state, found)


def _check_reach(repository: Repository, trust: Optional[bytes], table: Optional[pvs.Signers]) -> None:
    """Raise for a container that reaches the device and whose signer may not sign the bsp, as ``pvr
    verify`` finds it.
    """
    from .. import audit

    report = audit.verify(repository.root, trust=trust, allow_unsigned=True, signers=table)
    for finding in report.findings:
        if finding.code == "signer":
            raise SignatureError(f"{finding.where} {finding.sentence}", hint=finding.hint)


def _show(
    found: pvs.Coverage,
    shown: dict[str, Value],
    release: Optional[int],
    options: argparse.Namespace,
    console: Console,
) -> None:
    if options.json:
        document: dict[str, Any] = {
            "protected": found.protected,
            "excluded": found.excluded,
            "notseen": found.unseen,
        }
        document.update({"release": release} if release is not None else {})
        console.json({**document, "signatures": shown} if shown else document)
        return
    kinds = (("protected", found.protected), ("excluded", found.excluded), ("unseen", found.unseen))
    console.table(("coverage", "path"), [(word, path) for word, paths in kinds for path in paths])
    if release is not None:
        console.line(f"{pvs.SET} binds all signatures together, as release {release}")
    for path, value in shown.items():
        console.result(f"{path} {cjson.dumps(value).decode()}")
