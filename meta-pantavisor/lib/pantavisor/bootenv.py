# SPDX-License-Identifier: MIT
"""What device and boot loader share: which revision is committed, which one is tried, which one was good
before.

``boot/grubenv`` is a block of 1024 bytes with ``name=value`` lines padded by ``#``, ``boot/uboot.txt``
holds pairs that end in NUL; each has a second copy. The device changes them in place, so they have their
full size from the start. A copy counts where pv_gen and pv_end, its first and last values, are equal; other
tools write neither.

Source: docs/formats/storage-tree.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Optional

from . import names
from .errors import FormatError

BYTES = 1024
LONGEST = 64 * BYTES  # of a file of other tools
GRUB_HEAD = b"# GRUB Environment Block\n"
GRUB_COPIES = ("boot/grubenv", "boot/grubenv2")
UBOOT_COPIES = ("boot/uboot.txt", "boot/uboot2.txt")
GRUB_NOTES = "boot/grubtry"  # GRUB's own block, in which it notes tries and failed boots
UBOOT_NOTES = "pv-notes.env"  # the same of U-Boot, on the boot partition of boards that keep no environment
_GENERATION = re.compile(r"(?:[1-9][0-9]{0,17})?")  # as GRUB and the runtime read it
LAST_GENERATION = 10**18 - 1  # after it the generations begin again
_LOST = re.compile(r"[0-9]{1,2}:[0-9]{1,9}")
EMPTY_NOTES = GRUB_HEAD.ljust(BYTES, b"#")


@dataclass(frozen=True)
class BootEnvironment:
    """Names of revisions, empty where there is none; ``generation`` rises with each change.

    ``lost`` is the device's own: boots that a fault ended, and the seconds of the longest, as ``2:60``.
    """

    revision: str
    tried: str = ""
    previous: str = ""
    generation: int = 1
    lost: str = ""

    @classmethod
    def parse(cls, text: bytes) -> Optional[BootEnvironment]:
        """One copy of either kind; None where it is torn or names no revision."""
        values = _pairs(text)
        first, last = values.get("pv_gen", ""), values.get("pv_end", "")
        if first != last or not _GENERATION.fullmatch(first) or not _revision(values.get("pv_rev", "")):
            return None
        tried, previous = (_revision(values.get(name, "")) for name in ("pv_try", "pv_prev"))
        lost = values.get("pv_lost", "")
        return cls(
            values["pv_rev"], tried, previous, int(first or "0"), lost if _LOST.fullmatch(lost) else ""
        )

    def committing(self, revision: str) -> BootEnvironment:
        """The next generation, in which ``revision`` is committed."""
        previous = self.previous if revision == self.revision else self.revision
        return BootEnvironment(revision, "", previous, self.next_generation)

    def trying(self, revision: str) -> BootEnvironment:
        """The next generation, in which ``revision`` is tried once."""
        return replace(self, tried=revision, generation=self.next_generation)

    @property
    def next_generation(self) -> int:
        return self.generation % LAST_GENERATION + 1

    def grub(self) -> bytes:
        return b"".join([GRUB_HEAD, *(line + b"\n" for line in self._lines())]).ljust(BYTES, b"#")

    def uboot(self) -> bytes:
        return b"".join(line + b"\0" for line in self._lines()).ljust(BYTES, b"\0")

    def _lines(self) -> Iterable[bytes]:
        generation = str(self.generation)
        lost = {"pv_lost": self.lost} if self.lost else {}
        values = {
            "pv_gen": generation,
            "pv_rev": self.revision,
            "pv_try": self.tried,
            "pv_prev": self.previous,
            **lost,
            "pv_end": generation,
        }
        return (f"{name}={value}".encode() for name, value in values.items())


def _pairs(text: bytes) -> Mapping[str, str]:
    """Of U-Boot's what is at the beginning; GRUB reads all."""
    if text.startswith(GRUB_HEAD):
        lines = text.split(b"\n")
    else:
        lines = text[:BYTES].partition(b"\0\0")[0].split(b"\0")
    pairs = (line.decode("utf-8", "replace").partition("=") for line in lines if b"=" in line)
    return {name: value for name, _, value in pairs}


def _revision(text: str) -> str:
    try:
        return names.check_revision(text)
    except FormatError:
        return ""
