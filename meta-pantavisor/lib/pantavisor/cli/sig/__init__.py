# SPDX-License-Identifier: MIT
"""``pvr sig``: sign parts of the committed state, and show what the signatures cover.

The key may lie in a file, on a PKCS#11 token or behind a command; or the bytes are carried to where it is
(``request``) and the signature back (``attach``).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ... import pvs
from .. import key_options
from ..trust import declare_demands
from . import commands as run
from . import show

ADD_PARTS = "The files have to be committed already. The signature is committed at once."
PATTERNS = (
    "Patterns are exact paths, dir/**, dir/*, or * and ? within one segment: "
    "tools and devices read them alike."
)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``sig`` with add, set, update, request, attach and ls."""
    noun = commands.add_parser(
        "sig",
        help="sign parts, list signatures",
        description=(
            "Sign parts of the committed state, and list what signatures cover. "
            "The options may come before the verb or after it."
        ),
    )
    key_options.declare_signer(noun)
    key_options.declare_trust(noun)
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True)
    add = verbs.add_parser("add", help="sign a part", description=f"Sign a part. {ADD_PARTS} {PATTERNS}")
    _part(add)
    key_options.declare_signer(add, after_verb=True)
    add.set_defaults(run=run.add)
    whole = verbs.add_parser(
        "set",
        help="sign the set of all signatures",
        description=(
            "Sign all signatures together, with the number of the release, so that no part can be removed "
            "or replaced by that of another release. The signature is committed at once; "
            "make it again after any other signature."
        ),
    )
    key_options.declare_release(whole)
    key_options.declare_signer(whole, after_verb=True)
    whole.set_defaults(run=run.set_release)
    update = verbs.add_parser(
        "update",
        aliases=["up"],
        help="sign again, after a change of files or keys",
        description=f"Sign what signatures cover again. {ADD_PARTS}",
    )
    update.add_argument(
        "names", nargs="*", metavar="NAME|PATH", help="signature, as web or _sigs/web.json; default: all"
    )
    key_options.declare_signer(update, after_verb=True)
    update.set_defaults(run=run.update)
    _elsewhere(verbs)
    _listing(verbs)


def _listing(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listing = verbs.add_parser(
        "ls",
        help="check signatures and list what they cover",
        description="Check signatures and list what they cover. Without names every part must be signed.",
    )
    listing.add_argument(
        "names", nargs="*", metavar="NAME|PATH", help="signature, as web or _sigs/web.json; default: all"
    )
    listing.add_argument(
        "--part", action="append", default=[], metavar="NAME", help="signature of this part"
    )
    how = listing.add_mutually_exclusive_group()
    how.add_argument(
        "--strict", action="store_true", help="every path must be covered or excluded by a signature"
    )
    how.add_argument(
        "--allow-unsigned", action="store_true", help="do not require a signature over every part"
    )
    declare_demands(listing)
    listing.add_argument("--with-sigs", action="store_true", help="also show the signatures themselves")
    listing.add_argument("--json", action="store_true", help="print JSON")
    key_options.declare_trust(listing, after_verb=True)
    listing.set_defaults(run=show.list_signatures)


def _elsewhere(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    request = verbs.add_parser(
        "request",
        help="write what is to be signed elsewhere",
        description=f"Write the bytes that the signer must sign. {PATTERNS}",
    )
    _part(request)
    key_options.declare_release(request)
    request.add_argument(
        "--algorithm",
        choices=pvs.ALGORITHMS,
        help="algorithm of the key; default: that of the certificate's key, or RS256",
    )
    key_options.declare_chain(request, after_verb=True)
    request.add_argument("file", type=Path, help="file to write")
    request.set_defaults(run=run.request_signature)
    attach = verbs.add_parser("attach", help="add a signature that was made elsewhere")
    _name(attach)
    attach.add_argument("request", type=Path, help="file that was signed, from pvr sig request")
    attach.add_argument("signature", type=Path, help="file with the raw signature; ECDSA as r||s or DER")
    attach.set_defaults(run=run.attach)


def _name(command: argparse.ArgumentParser) -> None:
    name = command.add_mutually_exclusive_group(required=True)
    name.add_argument(
        "--part", metavar="NAME", help="part to sign: a container, or bsp with device.json and #spec"
    )
    name.add_argument(
        "--raw", metavar="NAME", help="name of the signature; the patterns alone select what it covers"
    )
    if command.prog.endswith((" request", " attach")):
        name.add_argument(
            "--set", dest="raw", action="store_const", const=pvs.SET, help="sign the set of all signatures"
        )


def _part(command: argparse.ArgumentParser) -> None:
    _name(command)
    command.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="PATTERN",
        help="what the signature covers of the part, instead of **; with --raw as given",
    )
    command.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="what it does not cover of the part, instead of src.json; with --raw as given",
    )
    command.add_argument("-n", "--noconfig", action="store_true", help="leave out the container's _config")
