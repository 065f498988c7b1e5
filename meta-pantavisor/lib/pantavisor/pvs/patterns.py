# SPDX-License-Identifier: MIT
"""Patterns over the paths of a state: the subset that the device and the published tool read alike.

Exact paths, ``dir/**``, ``dir/*``, and ``*`` or ``?`` within one segment. The published tool knows braces
and ``**`` anywhere, the device's fnmatch does not; their character classes negate differently.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .. import names
from ..errors import FormatError, LimitError
from ..state import BSP

MAX_PATTERNS = 256
MAX_PATTERN_BYTES = 512
# Bytes of all paths x cost of all patterns of all signatures: what a header that is not yet verified
# may ask for. 256 patterns without a star fit with any state.
MAX_WORK = 1024 * 1024 * 1024
# The device finds members of the signature's header by their name anywhere in its text.
HEADER_WORDS = frozenset(["typ", "pvs", "alg", "x5c", "include", "exclude"])
DEEP = "/**"


@dataclass(frozen=True)
class Selection:
    """Which paths a signature covers: every include adds, then every exclude removes."""

    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.include) + len(self.exclude) > MAX_PATTERNS:
            raise LimitError(f"a signature with more than {MAX_PATTERNS} patterns")
        for pattern in (*self.include, *self.exclude):
            check_pattern(pattern)

    def cost(self) -> int:
        """Comparisons that one byte of a path may need."""
        return sum(_cost(pattern) for pattern in (*self.include, *self.exclude))

    def covers(self, path: str) -> bool:
        return self.mentions(path) and not self.excludes(path)

    def mentions(self, path: str) -> bool:
        return any(matches(pattern, path) for pattern in self.include)

    def excludes(self, path: str) -> bool:
        return any(matches(pattern, path) for pattern in self.exclude)

    def excluding(self, path: str) -> Selection:
        """The same selection without ``path``."""
        return self if self.excludes(path) else replace(self, exclude=(*self.exclude, path))

    def check_readings(self, path: str) -> None:
        """Raise FormatError where readers disagree on whether a pattern selects ``path``."""
        for pattern in (*self.include, *self.exclude):
            if pattern == f"{path}{DEEP}" or ("?" in pattern and not path.isascii()):
                raise FormatError(
                    f'readers disagree on whether the pattern "{pattern}" selects {path}',
                    hint="sign by another pattern, or name the file otherwise",
                )


def container_selection(name: str) -> Selection:
    """A container with its config overlay;
    where it came from is not protected, nor is the signature itself.
    """
    include = (f"{name}/**", f"{names.overlay_folder(name)}**")
    return Selection(include, (f"{name}/src.json", names.signature_path(name)))


def bsp_selection() -> Selection:
    """The bsp with what belongs to the whole device."""
    return Selection(("bsp/**", "device.json", "#spec"), ("bsp/src.json", names.signature_path("bsp")))


def part_selection(name: str) -> Selection:
    """What the signature of a part covers by default."""
    return bsp_selection() if name == BSP else container_selection(name)


def check_pattern(pattern: str) -> str:
    """Refuse what the published tool and the device would read differently. Raises FormatError."""
    body = pattern[: -len(DEEP)] if pattern.endswith(DEEP) else pattern
    # Before /** the device also takes a file of that name, so a wildcard there would select by accident.
    deep_wildcard = body != pattern and re.search(r"[*?]", body)
    if not body or "**" in body or deep_wildcard or re.search(r"[\[\]{}\\\x00-\x1f]", pattern):
        raise FormatError(
            f'pattern "{pattern[:100]}" is not safe to sign by',
            hint="use exact paths, dir/**, dir/*, or * and ? within one segment",
        )
    if pattern in HEADER_WORDS or len(pattern.encode("utf-8", "surrogatepass")) > MAX_PATTERN_BYTES:
        raise FormatError(f'pattern "{pattern[:100]}" cannot be in the header of a signature')
    return pattern


def matches(pattern: str, path: str) -> bool:
    """Whether a safe pattern selects a path."""
    if pattern.endswith(DEEP):
        return path.startswith(pattern[:-2]) and len(path) > len(pattern) - 2
    if "*" not in pattern and "?" not in pattern:
        return pattern == path
    head, parts = pattern.split("/"), path.split("/")
    return len(parts) == len(head) and all(map(_segment, head, parts))


def check_work(costs: Iterable[int], paths: Iterable[str]) -> None:
    """Raise LimitError where patterns of these costs would have to be compared with too many paths."""
    if sum(costs) * sum(len(path.encode()) for path in paths) > MAX_WORK:
        raise LimitError(
            "patterns of signatures would have to be compared with too many paths",
            hint="name directories: dir/**",
        )


def _cost(pattern: str) -> int:
    return len(pattern.encode()) + 1 if "*" in pattern and not pattern.endswith(DEEP) else 1


def _segment(pattern: str, name: str) -> bool:
    if "*" not in pattern:
        return len(pattern) == len(name) and _find(pattern, name, 0, len(name)) == 0
    head, *middle, tail = pattern.split("*")
    at, end = len(head), len(name) - len(tail)
    if at > end or _find(head, name, 0, at) or _find(tail, name, end, len(name)) != end:
        return False
    # Each piece as early as it can be: if any choice fits, this one does. Never exponential.
    for piece in middle:
        found = _find(piece, name, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _find(piece: str, name: str, start: int, end: int) -> int:
    """Where ``piece``, with ``?`` for any character, is first found; -1 if it is not."""
    if "?" not in piece:
        return name.find(piece, start, end)
    found = _expression(piece).search(name, start, end)
    return found.start() if found else -1


@functools.lru_cache(maxsize=256)
def _expression(piece: str) -> re.Pattern[str]:
    return re.compile(".".join(map(re.escape, piece.split("?"))), re.DOTALL)
