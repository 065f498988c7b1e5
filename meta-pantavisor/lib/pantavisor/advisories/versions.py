# SPDX-License-Identifier: MIT
"""The order of versions, for each kind of package as its own tool has it.

deb, opkg       deb-version(7)
apk             apk-tools: numbers, a letter, suffixes, the release of the package
rpm             rpm's comparison of [epoch:]version-release
pypi            PEP 440
npm, golang     semver.org, section 11
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, Optional

from ..packages.model import APK, DEB, GOLANG, NPM, OPKG, PYPI, RPM

Key = tuple[Any, ...]
MAX_CHARS = 500
_LONG_NUMBER = re.compile(r"\d{300}")
_DEB_PIECES = re.compile(r"(\D*)(\d*)")
_DEB_END = ((0,), 0)
_RPM_PIECES = re.compile(r"\d+|[a-zA-Z]+|~|\^")
_APK = re.compile(r"(\d+(?:\.\d+)*)([a-z]?)((?:_[a-z]+\d*)*)(?:-r(\d+))?")
_APK_SUFFIX = re.compile(r"_([a-z]+)(\d*)")
_APK_BEFORE, _APK_AFTER = ("alpha", "beta", "pre", "rc"), ("cvs", "svn", "git", "hg", "p")
_PEP440 = re.compile(
    r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)"
    r"(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?"
    r"(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?"
    r"(?:[-_.]?(dev)[-_.]?(\d*))?"
    r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?"
)
_SEMVER = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")


def compare(kind: str, one: str, other: str) -> Optional[int]:
    """Less than 0, 0 or more, or None where one of them is not a version of that kind."""
    if max(len(one), len(other)) > MAX_CHARS or _LONG_NUMBER.search(one) or _LONG_NUMBER.search(other):
        return None
    return _COMPARE[kind](one.strip(), other.strip())


def _by(key: Callable[[str], Optional[Key]]) -> Callable[[str, str], Optional[int]]:
    def compared(one: str, other: str) -> Optional[int]:
        first, second = key(one), key(other)
        return None if first is None or second is None else _order(first, second)

    return compared


def _order(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def _deb(one: str, other: str) -> Optional[int]:
    first, second = _deb_parts(one), _deb_parts(other)
    if first is None or second is None:
        return None
    orders = (_order(first[0], second[0]), *map(_deb_order, first[1:], second[1:]))
    return next((order for order in orders if order), 0)


def _deb_parts(version: str) -> Optional[tuple[Any, ...]]:
    """Epoch, upstream's version, revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    parts = (upstream, revision) if dash else (rest, "")
    return (int(epoch), *parts) if epoch.isdecimal() and rest else None


def _deb_order(one: str, other: str) -> int:
    pairs = zip_longest(_deb_pieces(one), _deb_pieces(other), fillvalue=_DEB_END)
    return next((_order(first, second) for first, second in pairs if first != second), 0)


def _deb_pieces(text: str) -> list[tuple[tuple[int, ...], int]]:
    """What is not a number, ending in 0, and the number behind it."""
    return [
        ((*map(_deb_rank, letters), 0), int(digits or 0)) for letters, digits in _DEB_PIECES.findall(text)
    ]


def _deb_rank(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256


def _rpm(one: str, other: str) -> Optional[int]:
    first, second = _rpm_parts(one), _rpm_parts(other)
    if first[0] != second[0]:
        return _order(first[0], second[0])
    order = _rpm_order(first[1], second[1])
    # A range may name no release, and means all of them.
    return order if order or not (first[2] and second[2]) else _rpm_order(first[2], second[2])


def _rpm_parts(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.rpartition(":")
    upstream, _, release = rest.partition("-")
    return int(epoch) if colon and epoch.isdecimal() else 0, upstream, release


def _rpm_order(one: str, other: str) -> int:
    for first, second in zip_longest(_RPM_PIECES.findall(one), _RPM_PIECES.findall(other), fillvalue=""):
        if first == second:
            continue
        if "~" in (first, second):
            return -1 if first == "~" else 1
        if "^" in (first, second):
            # It comes after nothing, and before anything else.
            return 1 if (first == "^") == (not first or not second) else -1
        if first.isdecimal() and second.isdecimal() and int(first) == int(second):
            continue
        return _order(_rpm_rank(first), _rpm_rank(second))
    return 0


def _rpm_rank(piece: str) -> Key:
    """A number is more than letters, which are more than nothing."""
    return (2, int(piece), "") if piece.isdecimal() else (int(bool(piece)), 0, piece)


def _apk(version: str) -> Optional[Key]:
    found = _APK.fullmatch(version)
    if found is None:
        return None
    numbers, letter, suffixes, release = found.groups()
    first, *rest = numbers.split(".")
    ranks = [_apk_suffix(name, number) for name, number in _APK_SUFFIX.findall(suffixes)]
    if None in ranks:
        return None
    # Behind all suffixes is nothing, which is more than a suffix of what came before a release.
    return int(first), [_apk_number(number) for number in rest], letter, [*ranks, (0, 0)], int(release or 0)


def _apk_number(text: str) -> Key:
    """A number that begins with a zero is compared as a text."""
    return (0, text, 0) if text.startswith("0") else (1, "", int(text))


def _apk_suffix(name: str, number: str) -> Optional[tuple[int, int]]:
    if name in _APK_BEFORE:
        return _APK_BEFORE.index(name) - len(_APK_BEFORE), int(number or 0)
    return (_APK_AFTER.index(name) + 1, int(number or 0)) if name in _APK_AFTER else None


def _pep440(version: str) -> Optional[Key]:
    found = _PEP440.fullmatch(version.lower())
    if found is None:
        return None
    epoch, release, pre, pre_n, post_only, post, post_n, dev, dev_n, local = found.groups()
    numbers = [int(number) for number in release.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    after = int(post_only or post_n or 0) if post_only or post else -1
    phase: Key = (_phase(pre), int(pre_n or 0))
    if pre is None:
        phase = (-1, 0) if dev and after < 0 else (3, 0)
    development = (0, int(dev_n or 0)) if dev else (1, 0)
    words = re.split("[-_.]", local) if local else []
    own = [(1, int(word), "") if word.isdecimal() else (0, 0, word) for word in words]
    return int(epoch or 0), numbers, phase, after, development, own


def _phase(word: Optional[str]) -> int:
    return "abcpr".find((word or "x")[0]) if word in ("a", "alpha", "b", "beta") else 2


def _semver(version: str) -> Optional[Key]:
    found = _SEMVER.fullmatch(version)
    if found is None:
        return None
    *numbers, pre = found.groups()
    words = pre.split(".") if pre else []
    before = [(0, int(word), "") if word.isdecimal() else (1, 0, word) for word in words]
    return [int(number or 0) for number in numbers], not pre, before


_COMPARE: dict[str, Callable[[str, str], Optional[int]]] = {
    DEB: _deb,
    OPKG: _deb,
    RPM: _rpm,
    APK: _by(_apk),
    PYPI: _by(_pep440),
    NPM: _by(_semver),
    GOLANG: _by(_semver),
}
