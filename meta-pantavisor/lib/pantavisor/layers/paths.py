# SPDX-License-Identifier: MIT
"""Paths as archives spell them, made into tuples of names."""

from __future__ import annotations

from ..errors import FormatError
from ..tar import show
from .limits import Limits, check

Path = tuple[bytes, ...]
_HERE = frozenset([b"", b"."])


def split(text: bytes, limits: Limits, *, what: str) -> Path:
    """The names of a path below the root. A leading slash and ``.`` mean nothing here; ``..`` takes back
    the name before it, as text, and from an absolute path never more than there is. Raises FormatError or
    LimitError, naming ``what``.
    """
    if len(text) > limits.path_bytes:
        check(len(text), limits.path_bytes, f"bytes in a path of {what}")
    names = tuple([name for name in text.split(b"/") if name not in _HERE])
    if b".." in names:
        names = _cleaned(names, text, what)
    if b"\0" in text:
        raise FormatError(f"{what} has a member with a zero byte in its name")
    if len(names) > limits.depth:
        check(len(names), limits.depth, f"names in a path of {what}")
    if len(text) > limits.name_bytes and max(map(len, names), default=0) > limits.name_bytes:
        raise FormatError(
            f"{what} has the member {show(text)}, a name of which is longer than {limits.name_bytes} bytes"
        )
    return names


def _cleaned(names: Path, text: bytes, what: str) -> Path:
    found: list[bytes] = []
    for name in names:
        if name != b"..":
            found.append(name)
        elif found:
            found.pop()
        elif not text.startswith(b"/"):
            raise FormatError(f"{what} has the member {show(text)}, which leads out of the root")
    return tuple(found)
