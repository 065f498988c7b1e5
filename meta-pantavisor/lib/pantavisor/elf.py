"""Does a container's first program run on the machine it is made for? Its ELF header tells (System V ABI, chapter 4)."""

from __future__ import annotations

from typing import Literal, Optional

from . import layers
from .errors import PantavisorError
from .oci import Platform

HEADER_BYTES = 20
# OCI architecture -> (class: 1 is 32 bit and 2 is 64 bit, byte order: 1 is little, machine)
MACHINES = {
    "386": (1, 1, 3),
    "amd64": (2, 1, 62),
    "arm": (1, 1, 40),
    "arm64": (2, 1, 183),
    "riscv64": (2, 1, 243),
    "ppc64le": (2, 1, 21),
    "s390x": (2, 2, 22),
    "mips": (1, 2, 8),
    "mipsle": (1, 1, 8),
    "mips64le": (2, 1, 8),
    "loong64": (2, 1, 258),
}
SEARCH = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")


class WrongMachine(PantavisorError):
    """The image says one platform and holds another's programs."""


def check(tree: layers.Tree, executable: str, platform: Platform) -> None:
    """Raise WrongMachine if ``executable`` of the tree is an ELF program for another machine.

    A script has no ELF header and is not judged; a missing program is left to the volumes that may bring it.
    """
    found, wanted = _machine(tree, executable), MACHINES.get(platform.architecture)
    if found is not None and wanted is not None and found != wanted:
        known = _architecture(found) or f"machine {found[2]}"
        raise WrongMachine(
            f"{executable} of the image is a program for {known}, but the image says {platform}",
            hint="the image was built with the wrong base; ask its maker, or choose another platform",
        )


def platform(tree: layers.Tree, executable: str) -> Optional[Platform]:
    """What ``executable`` of the tree is made for, without a variant; None if it is no ELF program known here."""
    found = _machine(tree, executable)
    architecture = found and _architecture(found)
    return Platform("linux", architecture) if architecture else None


def _machine(tree: layers.Tree, executable: str) -> Optional[tuple[int, int, int]]:
    """Class, byte order and machine of an ELF program."""
    head = _head(tree, executable)
    if head is None or not head.startswith(b"\x7fELF") or len(head) < HEADER_BYTES:
        return None
    order: Literal["little", "big"] = "little" if head[5] == 1 else "big"
    return head[4], head[5], int.from_bytes(head[18:20], order)


def _architecture(machine: tuple[int, int, int]) -> Optional[str]:
    return next((name for name, known in MACHINES.items() if known == machine), None)


def _head(tree: layers.Tree, executable: str) -> Optional[bytes]:
    places = [executable.lstrip("/")] if "/" in executable else [f"{folder}/{executable}" for folder in SEARCH]
    for place in places:
        head = tree.head(place, HEADER_BYTES)
        if head is not None:
            return head
    return None
