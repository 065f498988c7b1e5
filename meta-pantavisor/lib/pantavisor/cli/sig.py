"""``pvr sig``: sign parts of the committed state, and say what the signatures cover.

The key may lie in a file, on a PKCS#11 token or behind a command; or the bytes are carried to where it is
(``request``) and the signature back (``attach``).
"""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from .. import atomic, keys, pvs
from ..errors import PantavisorError
from ..repo import Repository
from ..state import State
from .console import Console
from .trust import CACERTS_VARIABLE, PUBKEY_VARIABLE, trusted

DEFAULT_KEYS = Path("pvs-keys")
PIN_VARIABLE = "PVR_PKCS11_PIN"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``sig`` with add, update, request, attach and ls."""
    noun = commands.add_parser("sig", help="sign parts, list signatures")
    noun.add_argument("--key", type=Path, metavar="PEM", help=f"private key; default: PVR_SIG_KEY, {DEFAULT_KEYS}/key.pem")
    noun.add_argument("--x5c", type=Path, metavar="PEM", help="its certificate chain, leaf first; default: PVR_X5C_PATH")
    noun.add_argument("--cacerts", type=Path, metavar="PEM", help=f"roots to check against; default: {CACERTS_VARIABLE}")
    noun.add_argument("--pubkey", type=Path, metavar="PEM", help=f"public keys to check against; default: {PUBKEY_VARIABLE}")
    noun.add_argument("--command", dest="signer", metavar="PROGRAM", help="reads what to sign, writes the signature")
    noun.add_argument("--pkcs11", type=Path, metavar="MODULE", help=f"library of a token; its PIN is in {PIN_VARIABLE}")
    noun.add_argument("--token", default="", help="label of the token")
    noun.add_argument("--label", default="", help="label of the key on it")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    add = _part(verbs.add_parser("add", help="sign a part"))
    add.add_argument("-n", "--noconfig", action="store_true", help="leave out the container's _config")
    add.set_defaults(run=_add)
    update = verbs.add_parser("update", aliases=["up"], help="sign everything again, after a change of keys")
    update.set_defaults(run=_update)
    request = _part(verbs.add_parser("request", help="write what is to be signed elsewhere"))
    request.add_argument("--algorithm", choices=pvs.ALGORITHMS, default="RS256")
    request.add_argument("file", type=Path)
    request.set_defaults(run=_request)
    attach = verbs.add_parser("attach", help="take a signature that was made elsewhere")
    attach.add_argument("--part", required=True)
    attach.add_argument("request", type=Path)
    attach.add_argument("signature", type=Path, help="raw bytes; ECDSA as r||s or DER")
    attach.set_defaults(run=_attach)
    show = verbs.add_parser("ls", help="check signatures and list what they cover")
    show.add_argument("--strict", action="store_true", help="every path must be seen by a signature")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=_list)


def _part(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--part", required=True, help="container, or bsp with device.json and #spec")
    command.add_argument("--include", action="append", default=[], metavar="PATTERN", help="instead of the part's paths")
    command.add_argument("--exclude", action="append", default=[], metavar="PATTERN")
    return command


def _signer(options: argparse.Namespace) -> keys.Signer:
    chain = _chain(options)
    if options.pkcs11:
        pin = os.environ.get(PIN_VARIABLE)
        if pin is None:
            # On the command line everybody on the machine could read it.
            raise PantavisorError("the token's PIN is not known", hint=f"put it into the environment as {PIN_VARIABLE}")
        return keys.TokenSigner.load(options.pkcs11, chain, token=options.token, label=options.label, pin=pin)
    if options.signer:
        return keys.CommandSigner.load(shlex.split(options.signer), chain)
    return keys.PemSigner.load(options.key or _default("PVR_SIG_KEY", "key.pem"), chain)


def _chain(options: argparse.Namespace) -> Path:
    return options.x5c or _default("PVR_X5C_PATH", "x5c.pem")


def _default(variable: str, name: str) -> Path:
    """Where the published tool's variable points to, or a file of the usual folder."""
    return Path(os.environ.get(variable) or DEFAULT_KEYS / name)


def _selection(options: argparse.Namespace) -> pvs.Selection:
    whole = pvs.bsp_selection() if options.part == "bsp" else pvs.container_selection(options.part)
    if getattr(options, "noconfig", False):
        whole = pvs.Selection(tuple(path for path in whole.include if not path.startswith("_config/")), whole.exclude)
    if options.include:
        return pvs.Selection(tuple(options.include), tuple(options.exclude))
    return pvs.Selection(whole.include, (*whole.exclude, *options.exclude))


def _change(change: Callable[[State], State], console: Console) -> None:
    """Change the committed state in one step, and write its new signatures into the working tree."""
    repository = Repository.find(Path("."))
    before = repository.state
    after = repository.update(change)
    signed = {path: after[path] for path in after if path.startswith("_sigs/") and before.get(path) != after[path]}
    repository.write_files(signed)
    for path in signed:
        console.line(f"{path} is signed and committed")


def _add(options: argparse.Namespace, console: Console) -> None:
    signer, selection = _signer(options), _selection(options)
    _change(lambda state: keys.sign_state(state, options.part, selection, signer), console)


def _update(options: argparse.Namespace, console: Console) -> None:
    signer = _signer(options)
    _change(lambda state: keys.resign(state, signer), console)


def _request(options: argparse.Namespace, console: Console) -> None:
    x5c = keys.chain_of(_chain(options))
    state = Repository.find(Path(".")).state
    data = keys.signing_request(state, options.part, _selection(options), algorithm=options.algorithm, x5c=x5c)
    atomic.write(options.file, data)
    console.line(f"sign the bytes of {options.file} with {options.algorithm}, then: pvr sig attach")


def _attach(options: argparse.Namespace, console: Console) -> None:
    request, signature = options.request.read_bytes(), options.signature.read_bytes()
    _change(lambda state: keys.attach(state, options.part, request, signature), console)


def _list(options: argparse.Namespace, console: Console) -> None:
    checked_against = trusted(options.cacerts, options.pubkey, default=DEFAULT_KEYS / "ca.crt")
    trust = keys.TrustStore.parse(checked_against or b"")
    now = datetime.datetime.now(datetime.timezone.utc)
    found = keys.verify_state(Repository.find(Path(".")).state, trust, strict=options.strict, at=now)
    if options.json:
        console.json({"protected": found.protected, "excluded": found.excluded, "notseen": found.unseen})
        return
    kinds = (("protected", found.protected), ("excluded", found.excluded), ("unseen", found.unseen))
    console.table(("coverage", "path"), [(word, path) for word, paths in kinds for path in paths])
