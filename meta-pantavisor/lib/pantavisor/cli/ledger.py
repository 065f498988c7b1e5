# SPDX-License-Identifier: MIT
"""``pvr factory ledger``: begin the list of serial numbers that were given, or see whether it is whole."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from .. import keys
from ..errors import PantavisorError
from . import key_options
from .console import Console, count


def declare(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``factory ledger``."""
    ledger = verbs.add_parser(
        "ledger",
        help="begin a ledger, or count what is in it",
        description=(
            "Begin the ledger of a product, or count the units in it and check that no line of it was "
            "changed or taken out, nor is missing at its end. Birth certificates also show where ledger "
            "and head are an older copy."
        ),
    )
    ledger.add_argument("file", type=Path, metavar="FILE", help="the ledger")
    begun = ledger.add_mutually_exclusive_group()
    begun.add_argument("--new", action="store_true", help="begin it: no unit of the product was made yet")
    begun.add_argument(
        "--whole", action="store_true",
        help="make its head, which an older one does not have: no line is missing at its end",
    )  # fmt: skip
    ledger.add_argument(
        "--certificates", type=Path, metavar="DIR",
        help="check that it has the line of each birth certificate there",
    )  # fmt: skip
    ledger.add_argument("--json", action="store_true", help="the counts for programs")
    key_options.declare_roots(ledger)
    ledger.set_defaults(run=_ledger)


def _ledger(options: argparse.Namespace, console: Console) -> None:
    from .. import factory

    if options.new:
        if options.certificates:
            raise PantavisorError("a new ledger has no certificates", hint="leave out --certificates")
        factory.new_ledger(options.file)
    if options.certificates:
        trust = keys.TrustStore.parse(key_options.roots(options), what="trusted roots")
        factory.check_ledger(options.file, options.certificates, trust, has_head=not options.whole)
    if options.whole:
        factory.accept_ledger(options.file)
    entries = factory.read_ledger(options.file)
    found = Counter(entries.events.values())
    if options.json:
        console.json({**{event: found[event] for event in factory.EVENTS}, **entries.mark})
        return
    states = ", ".join(f"{found[event]} {event}" for event in factory.EVENTS)
    lines = f"{count(entries.digests, 'line')}, sha256 {entries.last}"
    console.result(f"{count(entries.events, 'unit')}: {states}; {lines}")
