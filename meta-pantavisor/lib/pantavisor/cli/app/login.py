# SPDX-License-Identifier: MIT
"""``--username`` and ``--password``: who asks a registry.

The password goes to the registry that was named (and to the token server that it names), to none of its
mirrors; it is never part of a message or of a file. On the command line all users of the machine can read
it, so there is ``--password-stdin`` as well.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Optional

from ... import names
from ...errors import PantavisorError
from ...registry import Credentials

MAX_PASSWORD_CHARS = 64 * 1024  # some registries take a token for one
HINT = "use --username NAME --password-stdin"


def declare(group: argparse._ArgumentGroup) -> None:
    """Add the options."""
    group.add_argument(
        "-u",
        "--username",
        metavar="NAME",
        help="user at the registry of SOURCE; default: the login that docker has there",
    )
    password = group.add_mutually_exclusive_group()
    password.add_argument(
        "-p", "--password", metavar="PASSWORD", help="password, which all users of this machine can see"
    )
    password.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )


def read(options: argparse.Namespace) -> Optional[Credentials]:
    """The credentials, or None where none are given. Asks for the password where a terminal can answer."""
    password = _password(options)
    if options.username is None and password is None:
        return None
    if not options.username or ":" in options.username:
        raise PantavisorError("a password needs the name of a user, without a colon", hint=HINT)
    if (
        not password
        or len(password) > MAX_PASSWORD_CHARS
        or not names.has_bytes(options.username + password)
    ):
        raise PantavisorError(f"the password of {options.username} is empty or not a password", hint=HINT)
    return Credentials(options.username, password)


def _password(options: argparse.Namespace) -> Optional[str]:
    if options.password_stdin:
        return sys.stdin.readline(MAX_PASSWORD_CHARS + 2).rstrip("\r\n")
    if options.password is None and options.username and sys.stdin.isatty():
        return getpass.getpass(f"password of {options.username}: ")
    password: Optional[str] = options.password
    return password
