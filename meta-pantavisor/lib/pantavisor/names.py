# SPDX-License-Identifier: MIT
"""Legal names and paths, and the nearest right one for a wrong one.

A state's paths become file names on the device, and its loader compares names by prefix,
so what is refused here would be silently misread there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Optional

from .errors import FormatError

MAX_PATH_BYTES = 1024
MAX_NAME_BYTES = 255
MAX_CONTAINER_CHARS = 64
SIGNATURES = "_sigs/"
OVERLAYS = "_config/"
MAX_REVISION_CHARS = 64  # without locals/
MAX_REVISION_DIGITS = 10
MAX_CHOICES = 200  # that an error looks through for a hint; a state may hold any number of names

RESERVED_CONTAINERS = frozenset([
    "bsp", "_config", "_sigs", "_hostconfig", "objects", "trails", "boot", "config", "logs", "cache",
    "disks", "device.json", "groups.json", "disks.json",
])  # fmt: skip
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NAME_HINT = (
    f"use letters, digits, dot, dash and underscore, at most {MAX_CONTAINER_CHARS}, first a letter or digit"
)
_REVISION = re.compile(rf"[0-9]{{1,{MAX_REVISION_DIGITS}}}|locals/[A-Za-z0-9][A-Za-z0-9._-]*")


def check_path(path: str, *, what: str = "path") -> str:
    """A relative path of a state, or ``#spec``. Raises FormatError
    for escapes, odd bytes and excessive length.
    """
    if path == "#spec":
        return path
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise FormatError(f"{what} {path[:200]!r} is not a plain relative path")
    if any(ord(char) < 32 or char == "\x7f" or 0xD800 <= ord(char) <= 0xDFFF for char in path):
        raise FormatError(f"{what} {path[:200]!r} holds a control character")
    if path < "#spec":
        raise FormatError(f"{what} {path[:200]!r} sorts before #spec, which the device then would not find")
    if len(path.encode()) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        raise FormatError(
            f"{what} {path[:60]!r}... is longer than {MAX_PATH_BYTES} bytes, "
            f"or one name than {MAX_NAME_BYTES}"
        )
    if parts[0].startswith((".pvr", ".pv")):
        raise FormatError(f"{what} {path!r} lies in the repository's own directory")
    return path


def check_container(name: str) -> str:
    """A container's name, which is also its folder and its host name. Raises FormatError."""
    if not _CONTAINER.fullmatch(name) or len(name) > MAX_CONTAINER_CHARS:
        raise FormatError(
            f'"{name[:80]}" cannot name a container',
            hint=_NAME_HINT,
        )
    if name in RESERVED_CONTAINERS:
        raise FormatError(
            f'"{name}" is a reserved name and cannot name a container', hint="use another name"
        )
    return name


def check_plain(name: str, *, what: str) -> str:
    """A name that becomes a folder or a link on the device and does not belong to a container.

    Raises FormatError.
    """
    if not _CONTAINER.fullmatch(name) or len(name) > MAX_CONTAINER_CHARS:
        raise FormatError(
            f'{what} "{name[:80]}" cannot be a name',
            hint=_NAME_HINT,
        )
    return name


def signature_path(name: str) -> str:
    """Where a state has the signature of the part ``name``, or the one of that name."""
    return f"{SIGNATURES}{name}.json"


def overlay_folder(name: str) -> str:
    """Where a state has the config overlay of the container ``name``, with a slash at the end."""
    return f"{OVERLAYS}{name}/"


def check_revision(name: str) -> str:
    """A revision: digits, or ``locals/<name>``. Raises FormatError."""
    if not _REVISION.fullmatch(name) or len(name.rpartition("/")[2]) > MAX_REVISION_CHARS:
        raise FormatError(
            f'"{name[:100]}" is not a revision', hint='use a number such as "0", or "locals/<name>"'
        )
    return name


def has_bytes(text: str) -> bool:
    """Whether a file can hold ``text``: JSON can also spell halves of surrogate pairs,
    which have no UTF-8 form.
    """
    return not any("\ud800" <= char <= "\udfff" for char in text)


def nearest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> Optional[str]:
    """The known word most like ``word``, if one is like it at all: 1 is the same word."""
    matches = difflib.get_close_matches(word, sorted(known), n=1, cutoff=likeness)
    return matches[0] if matches else None


def hint(word: str, known: Iterable[str], otherwise: Optional[str] = None) -> Optional[str]:
    """To use the known word that is most like ``word``; ``otherwise`` where none is like it."""
    near = nearest(word, known)
    return f'use "{near}"' if near else otherwise


def choice(word: str, known: Iterable[str]) -> Optional[str]:
    """The hint about a word that is not a known one: to use the nearest, or one of them."""
    known = sorted(known)[:MAX_CHOICES]
    return hint(word, known, f"use one of: {', '.join(known)}" if known else None)


def unknown(word: str, known: Iterable[str], *, what: str) -> FormatError:
    """The error for a word that is not a known one, with the nearest as its hint."""
    return FormatError(f'unknown {what} "{word[:100]}"', hint=choice(word, known))
