# SPDX-License-Identifier: MIT
"""``pvr verify`` and ``pvr inspect``: is it whole, and what is in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import atomic
from . import artefact
from .console import Console
from .trust import CACERTS_VARIABLE, PUBKEY_VARIABLE, declare_demands, signers_of, trusted


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add verify and inspect."""
    _declare_verify(commands)
    _declare_inspect(commands)


def _declare_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verify = commands.add_parser(
        "verify",
        help="check a disk image, storage tree, export or repository",
        description=(
            "Check everything in a finished disk image, storage tree, export or repository; "
            "changes nothing."
        ),
    )
    verify.add_argument("target", type=Path, metavar=artefact.KINDS, help="what to check")
    _declare_signatures(verify)
    verify.add_argument("--confined", action="store_true", help="every container must be confined")
    verify.add_argument("--json", action="store_true", help="print the report as JSON")
    verify.set_defaults(run=_verify)


def _declare_signatures(verify: argparse.ArgumentParser) -> None:
    """What is asked of signatures, and what they are checked against."""
    verify.add_argument(
        "--trust",
        type=Path,
        metavar="PEM",
        help="roots, by which every part must be signed, or the certificate of a signer who alone is "
        f"trusted; default: {CACERTS_VARIABLE}",
    )
    verify.add_argument(
        "--pubkey",
        type=Path,
        metavar="PEM",
        help=f"public keys, any of which a signature may be by; default: {PUBKEY_VARIABLE}",
    )
    how = verify.add_mutually_exclusive_group()
    how.add_argument(
        "--strict", action="store_true", help="every path must be signed, and no object be left over"
    )
    how.add_argument(
        "--allow-unsigned",
        action="store_true",
        help="check the existing signatures, and require no others",
    )
    declare_demands(verify)


def _declare_inspect(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    show = commands.add_parser(
        "inspect",
        help="show what is inside",
        description=(
            "Show parts, sizes, digests, packages and signatures of a disk image, storage tree, export or "
            "repository."
        ),
    )
    artefact.declare(show, "what to show")
    show.add_argument(
        "--against",
        type=Path,
        metavar="OTHER",
        help="also show what changed since OTHER, packages and files inside too; of several revisions the "
        "highest counts",
    )
    form = show.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, for programs")
    form.add_argument(
        "--html", type=Path, metavar="FILE", help="write one self-contained page with a size map"
    )
    show.set_defaults(run=_inspect)


def _verify(options: argparse.Namespace, console: Console) -> None:
    from .. import audit

    trust = trusted(options.trust, options.pubkey)
    report = audit.verify(
        options.target,
        trust=trust,
        strict=options.strict,
        allow_unsigned=options.allow_unsigned,
        signers=signers_of(options.signers, trust),
        needs_set=options.needs_set,
        confined=options.confined,
    )
    if options.json:
        console.json(report.as_json())
    report.raise_for_findings()
    console.line(str(report))
    for note in report.notes:
        console.line(f"note: {note}")


def _inspect(options: argparse.Namespace, console: Console) -> None:
    from .. import inspect

    inspection = inspect.inspect(options.target, against=options.against)
    if options.html:
        atomic.write(options.html, inspect.render_html(inspection).encode())
        console.line(f"{options.html} is written")
    elif options.json:
        console.json(inspect.document(inspection))
    else:
        console.result(inspect.render_text(inspection))
