"""``pvr sig``: sign parts of the committed state, and say who signed what."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from .. import keys, pvs
from ..repo import Repository
from .console import Console


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``sig`` with add, update and ls."""
    noun = commands.add_parser("sig", help="sign parts, list signatures")
    noun.add_argument("--key", type=Path, metavar="PEM", help="private key to sign with")
    noun.add_argument("--x5c", type=Path, metavar="PEM", help="its certificate chain, leaf first")
    noun.add_argument("--cacerts", type=Path, metavar="PEM", help="roots to check against")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="sign a part")
    add.add_argument("--part", required=True, help="container, or bsp with device.json and #spec")
    add.add_argument("--include", action="append", default=[], metavar="PATTERN", help="instead of the part's own paths")
    add.add_argument("--exclude", action="append", default=[], metavar="PATTERN")
    add.set_defaults(run=_add)
    update = verbs.add_parser("update", aliases=["up"], help="sign everything again, after a change of keys")
    update.set_defaults(run=_update)
    show = verbs.add_parser("ls", help="check signatures and list what they cover")
    show.add_argument("--strict", action="store_true", help="every path must be seen by a signature")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=_list)


def _signer(options: argparse.Namespace) -> keys.PemSigner:
    directory = Path("pvs-keys")
    return keys.PemSigner.load(options.key or directory / "key.pem", options.x5c or directory / "x5c.pem")


def _add(options: argparse.Namespace, console: Console) -> None:
    repository = Repository.find(Path("."))
    own = f"_sigs/{options.part}.json"
    selection = pvs.bsp_selection() if options.part == "bsp" else pvs.container_selection(options.part)
    if options.include:
        selection = pvs.Selection(tuple(options.include), (*options.exclude, own))
    elif options.exclude:
        selection = pvs.Selection(selection.include, (*selection.exclude, *options.exclude))
    state = keys.sign_state(repository.state, options.part, selection, _signer(options))
    repository.replace(state)
    repository.checkout()
    console.line(f"{own} is signed and committed")


def _update(options: argparse.Namespace, console: Console) -> None:
    repository = Repository.find(Path("."))
    repository.replace(keys.resign(repository.state, _signer(options)))
    repository.checkout()


def _list(options: argparse.Namespace, console: Console) -> None:
    repository = Repository.find(Path("."))
    trust = keys.TrustStore.load(options.cacerts or Path("pvs-keys/ca.crt"))
    now = datetime.datetime.now(datetime.timezone.utc)
    found = keys.verify_state(repository.state, trust, strict=options.strict, at=now)
    if options.json:
        console.json({"protected": found.protected, "excluded": found.excluded, "notseen": found.unseen})
        return
    rows = [(word, path) for word, paths in (
        ("protected", found.protected), ("excluded", found.excluded), ("unseen", found.unseen)) for path in paths]  # fmt: skip
    console.table(("coverage", "path"), rows)
