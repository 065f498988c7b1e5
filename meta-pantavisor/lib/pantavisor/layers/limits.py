# SPDX-License-Identifier: MIT
"""How much an archive from outside may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..errors import LimitError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True)
class Limits:
    """Bounds for one tree, all its layers together. A LimitError names the one that was met."""

    total_bytes: int = 16 * GIB  # unpacked layers, and the holes of sparse files
    entries: int = 1_000_000  # members and the directories they imply
    ratio: int = 1100  # unpacked to packed; deflate itself ends at 1032
    ratio_from_bytes: int = 64 * MIB  # below this much the ratio does not matter
    depth: int = 256  # names in a path
    name_bytes: int = 255  # what Linux allows
    path_bytes: int = 4096  # likewise, and for the target of a link
    header_bytes: int = MIB  # one pax header or GNU long name
    xattr_bytes: int = 64 * KIB  # one value; what Linux allows
    segments: int = 65_536  # pieces of one sparse file
    metadata_bytes: int = (
        256 * MIB
    )  # paths, link targets, extended attributes and sparse maps held in memory


DEFAULT = Limits()


class Usage(NamedTuple):
    """What was used up of the limits."""

    entries: int = 0
    bytes: int = 0
    metadata_bytes: int = 0


class Budget:
    """What of the limits is used up; one for all layers of a tree."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._entries = 0
        self._bytes = 0
        self._metadata_bytes = 0

    @property
    def usage(self) -> Usage:
        return Usage(self._entries, self._bytes, self._metadata_bytes)

    def used_since(self, before: Usage) -> Usage:
        return Usage(*(now - then for now, then in zip(self.usage, before)))

    def add(self, usage: Usage) -> None:
        """What was used up at another time."""
        self._entries += usage.entries - 1
        self.add_entry(usage.metadata_bytes)
        self.add_bytes(usage.bytes)

    def add_entry(self, metadata_bytes: int) -> None:
        """One more member or implied directory, with what it keeps in memory."""
        self._entries += 1
        self._metadata_bytes += metadata_bytes
        if self._entries > self.limits.entries:
            check(self._entries, self.limits.entries, "entries")
        if self._metadata_bytes > self.limits.metadata_bytes:
            check(self._metadata_bytes, self.limits.metadata_bytes, "bytes of names and attributes")

    def add_bytes(self, size: int) -> None:
        """More unpacked bytes, or more of a file's holes."""
        self._bytes += size
        check(self._bytes, self.limits.total_bytes, "bytes unpacked")

    def check_ratio(self, unpacked: int, packed: int) -> None:
        """Whether a stream grows beyond what honest content does. Raises LimitError."""
        if unpacked > self.limits.ratio_from_bytes and unpacked > packed * self.limits.ratio:
            raise LimitError(
                f"the image unpacks {packed} bytes to more than {unpacked}, "
                f"over {self.limits.ratio} times as many"
            )


def check(value: int, limit: int, what: str) -> None:
    """Raise LimitError when ``value`` is above ``limit``; ``what`` is a phrase such as "bytes unpacked"."""
    if value > limit:
        raise LimitError(f"the image has {value} {what}, more than the {limit} allowed")
