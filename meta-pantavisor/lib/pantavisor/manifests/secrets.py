# SPDX-License-Identifier: MIT
"""Variables of the environment that look like secrets: a container is signed, not encrypted."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAMES = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|SECRET_?KEY)$",
    re.IGNORECASE,
)
# Switches of images, such as MYSQL_RANDOM_ROOT_PASSWORD=yes, and places of files.
_HARMLESS = re.compile(
    r"|yes|no|true|false|on|off|none|null|(en|dis)abled|[01]|/.*|file:/.*|\$\{?\w+\}?", re.IGNORECASE
)
# What services give out by these marks, private keys, and URLs with a password.
_VALUES = re.compile(
    r"\b(gh[pousr]_|github_pat_|glpat-|xox[abp]-|AKIA)[\w-]{16}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|^[a-z][a-z0-9+.-]*://[^/@:\s]*:(?!\$\{?\w+\}?@)[^/@\s]+@"
)


def secrets(environment: Iterable[str]) -> tuple[str, ...]:
    """The names of those of ``environment``, NAME=value, that look like secrets, each once."""
    found: dict[str, None] = {}
    for item in environment:
        name, _, value = item.partition("=")
        named = _NAMES.search(name) and not _HARMLESS.fullmatch(value)
        if named or _VALUES.search(value):
            found[name[:60]] = None
    return tuple(found)
