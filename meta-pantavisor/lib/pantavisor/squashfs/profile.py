"""How an image is compressed. What a profile costs and gains is measured in tests/bench."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

from .. import names
from ..errors import FormatError
from ..oci import Platform

BLOCK_BYTES = 128 * 1024  # what mksquashfs takes and kernels read best
MIN_BLOCK_BYTES = 4 * 1024
MAX_BLOCK_BYTES = 1024 * 1024

# On-disk numbers of the compressors, and the levels that each knows (None: it has none).
CODECS: dict[str, tuple[int, Optional[range]]] = {
    "gzip": (1, range(1, 10)),
    "xz": (4, range(0, 10)),
    "lz4": (5, None),
    "zstd": (6, range(1, 23)),
}

# Branch filters for machine code by architecture as OCI spells it; xz tries each and keeps what is smallest.
_BRANCH_FILTERS = {"amd64": ("x86",), "386": ("x86",), "ppc64le": ("powerpc",), "arm": ("arm", "armthumb")}
_FILTER_FLAGS = {"x86": 0x01, "powerpc": 0x02, "arm": 0x08, "armthumb": 0x10}


@dataclass(frozen=True)
class Profile:
    """A codec with its level.

    ``branch_filters`` looks for machine code of ``architecture`` (xz only; the device's kernel must know the filter).
    """

    name: str
    codec: str
    level: Optional[int] = None
    branch_filters: bool = False
    architecture: Optional[str] = None

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise names.unknown(self.codec, CODECS, what="squashfs codec")
        levels = CODECS[self.codec][1]
        if (self.level is None) != (levels is None) or (levels is not None and self.level not in levels):
            allowed = f"levels {levels[0]} to {levels[-1]}" if levels else "no level"
            raise FormatError(f"squashfs codec {self.codec} has no level {self.level}", hint=f"it has {allowed}")

    @property
    def compressor(self) -> int:
        """The on-disk number of the codec."""
        return CODECS[self.codec][0]

    @property
    def filters(self) -> tuple[str, ...]:
        """The names of its branch filters."""
        wanted = self.branch_filters and self.codec == "xz"
        return _BRANCH_FILTERS.get(self.architecture or "", ()) if wanted else ()

    @property
    def flags(self) -> int:
        """The library's compressor flags."""
        return sum(_FILTER_FLAGS[name] for name in self.filters)

    def __str__(self) -> str:
        level = "" if self.level is None else f" level {self.level}"
        filters = f" with branch filters for {self.architecture}" if self.filters else ""
        return f"{self.codec}{level}{filters}"


PROFILES = {
    "fast": Profile("fast", "zstd", 3),
    "balanced": Profile("balanced", "xz", 3),
    "small": Profile("small", "xz", 6, branch_filters=True),
}


def profile(name: str, platform: Optional[Platform]) -> Profile:
    """The profile called ``name``, or a codec as ``codec[:level]``, such as zstd:19 or lz4. Raises FormatError.

    ``platform`` chooses the branch filters of "small".
    """
    codec, colon, level = name.partition(":")
    if name in PROFILES:
        return replace(PROFILES[name], architecture=None if platform is None else platform.architecture)
    if codec not in CODECS:
        raise names.unknown(name, (*PROFILES, *CODECS), what="squashfs profile")
    if colon and not level.isdecimal():
        raise FormatError(f'"{name[:60]}" is no compression: a level is a number', hint=f"such as {codec}:3")
    return Profile(name, codec, int(level[:9]) if colon else None)
