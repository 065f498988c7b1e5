"""``pvr keys``: a certificate authority and a signing key of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import keys
from ..errors import PantavisorError
from .console import Console

DAYS = 20 * 365  # a device may stay in a cupboard for years


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``keys generate``."""
    noun = commands.add_parser("keys", help="make signing keys", description="Make signing keys.")
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    generate = verbs.add_parser(
        "generate",
        help="make a CA and a signing key in a new directory",
        description="Make a certificate authority and a signing key in a new directory. Private keys never leave it.",
    )
    generate.add_argument("directory", type=Path, help="must not exist")
    generate.add_argument("--common-name", default="Pantavisor development", help="name in the certificates")
    generate.add_argument("--algorithm", choices=("RS256", "ES256", "ES384"), default="RS256",
                          help="RSA or ECDSA; default: RS256")  # fmt: skip
    generate.add_argument("--days", type=int, default=DAYS, help="validity of the certificates")
    generate.add_argument("--if-missing", action="store_true", help="do nothing where the directory exists")
    generate.set_defaults(run=_generate)


def _generate(options: argparse.Namespace, console: Console) -> None:
    if options.if_missing and options.directory.exists():
        return
    try:
        keys.generate(
            options.directory, common_name=options.common_name, algorithm=options.algorithm, days=options.days
        )
    except PantavisorError:
        # Several processes may ask at once; whoever came first made them for all.
        if options.if_missing and options.directory.exists():
            return
        raise
    console.line(f"{options.directory} holds ca.crt for devices and key.pem, x5c.pem to sign with; keep *.key.pem secret")
