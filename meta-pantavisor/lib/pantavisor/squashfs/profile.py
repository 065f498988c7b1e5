# SPDX-License-Identifier: MIT
"""How an image is compressed. What a profile costs and gains is measured in tests/bench."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from .. import names
from ..errors import FormatError
from ..oci import Platform
from .bcj import FILTERS

BLOCK_BYTES = 128 * 1024  # what mksquashfs takes
MIN_BLOCK_BYTES = 4 * 1024
MAX_BLOCK_BYTES = 1024 * 1024

# On-disk numbers of the compressors, and the levels that each knows (None: it has none).
CODECS: dict[str, tuple[int, Optional[range]]] = {
    "gzip": (1, range(1, 10)),
    "xz": (4, range(0, 10)),
    "lz4": (5, None),
    "zstd": (6, range(1, 23)),
}

# Architecture as OCI spells it -> branch filter for its machine code.
# squashfs has no number for that of arm64.
_BRANCH_FILTERS = {"amd64": "x86", "386": "x86", "ppc64le": "powerpc", "arm": "armthumb"}
_OLD_ARM = ("v5", "v6")  # what is built for later ones is mostly Thumb

QUICK_ZSTD_LEVEL = 3


@dataclass(frozen=True)
class Profile:
    """A codec with its level and the size of its blocks. ``branch_filter`` fits xz to machine code;
    the device's kernel must know it.
    """

    name: str
    codec: str
    level: Optional[int] = None
    branch_filter: Optional[str] = None
    block_bytes: int = BLOCK_BYTES

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise names.unknown(self.codec, CODECS, what="squashfs codec")
        levels = CODECS[self.codec][1]
        if (self.level is None) != (levels is None) or (levels is not None and self.level not in levels):
            allowed = f"levels {levels[0]} to {levels[-1]}" if levels else "no level"
            raise FormatError(
                f"squashfs codec {self.codec} has no level {self.level}", hint=f"use {allowed}"
            )
        if self.branch_filter is not None and (self.codec != "xz" or self.branch_filter not in FILTERS):
            raise FormatError(f"squashfs codec {self.codec} has no branch filter {self.branch_filter}")

    @property
    def compressor(self) -> int:
        """The on-disk number of the codec."""
        return CODECS[self.codec][0]

    @property
    def flags(self) -> int:
        """The library's compressor flags."""
        return FILTERS[self.branch_filter][0] if self.branch_filter else 0

    @property
    def is_quick(self) -> bool:
        """Whether one thread compresses faster than another can read layers:
        more would only wait for each other.
        """
        return self.codec == "lz4" or (self.codec == "zstd" and (self.level or 0) <= QUICK_ZSTD_LEVEL)

    def __str__(self) -> str:
        level = "" if self.level is None else f" level {self.level}"
        return f"{self.codec}{level}" + (f" with filter {self.branch_filter}" if self.branch_filter else "")


PROFILES = {
    "fast": Profile("fast", "zstd", 3),
    "light": Profile("light", "zstd", 15, block_bytes=256 * 1024),
    "balanced": Profile("balanced", "xz", 3),
    "small": Profile("small", "xz", 6),
}


def profile(name: str, platform: Optional[Platform]) -> Profile:
    """The profile called ``name``, or a codec as ``codec[:level]``, such as zstd:19 or lz4.
    Raises FormatError.

    ``platform`` chooses the branch filter of "small".
    """
    codec, colon, level = name.partition(":")
    if name in PROFILES:
        return replace(PROFILES[name], branch_filter=_branch_filter(platform) if name == "small" else None)
    if codec not in CODECS:
        raise names.unknown(name, (*PROFILES, *CODECS), what="squashfs profile")
    if colon and not level.isdecimal():
        raise FormatError(
            f'"{name[:60]}" is not a compression: a level is a number', hint=f"write {codec}:3"
        )
    return Profile(name, codec, int(level[:9]) if colon else None)


def _branch_filter(platform: Optional[Platform]) -> Optional[str]:
    if platform is None:
        return None
    found = _BRANCH_FILTERS.get(platform.architecture)
    return "arm" if found == "armthumb" and platform.variant in _OLD_ARM else found
