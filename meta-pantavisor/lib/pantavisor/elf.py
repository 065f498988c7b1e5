# SPDX-License-Identifier: MIT
"""Does a container's first program run on the machine it is made for? Its ELF header decides (System V ABI,
chapter 4).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Literal, Optional

from . import layers
from .errors import PantavisorError
from .oci import Platform

HEADER_BYTES = 20
SCRIPT_BYTES = 64  # of a script's first line; more of a file is not kept
MAX_SCRIPTS = 5  # of which each is run by the next, as in Linux
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
    """The image names one platform and holds another's programs."""


def check(tree: layers.Tree, executable: str, platform: Platform, *, folder: str = "") -> None:
    """Raise WrongMachine if ``executable`` of the tree, started in ``folder``, is an ELF program for
    another machine.

    A script is judged by what runs it; a missing program is left to the volumes that may bring it.
    """
    program = _interpreter(tree, executable, folder)
    found, wanted = _machine(tree, program, folder), MACHINES.get(platform.architecture)
    if found is not None and wanted is not None and found != wanted:
        known = _architecture(found) or f"machine {found[2]}"
        role = "is" if program == executable else f"is run by {program},"
        raise WrongMachine(
            f"{executable} of the image {role} a program for {known}, but the image is for {platform}",
            hint="choose another platform, or build the image on a base that fits",
        )


def exists(tree: layers.Tree, executable: str, *, folder: str = "", search: Iterable[str] = ()) -> bool:
    """Whether the tree has a file ``executable``, started in ``folder``; a bare name is looked up in
    ``search``.
    """
    return any(
        isinstance(tree.find(place), layers.File) for place in _places(executable, folder, search or SEARCH)
    )


def platform(tree: layers.Tree, executable: str) -> Optional[Platform]:
    """What ``executable`` of the tree is made for, without a variant; None if it is not a known ELF
    program.
    """
    found = _machine(tree, executable)
    architecture = found and _architecture(found)
    return Platform("linux", architecture) if architecture else None


def _interpreter(tree: layers.Tree, executable: str, folder: str) -> str:
    """``executable``, or what runs it if it is a script, or what runs that."""
    for _ in range(MAX_SCRIPTS):
        head = _head(tree, executable, folder) or b""
        line, end, _ = head.partition(b"\n")
        if not head.startswith(b"#!") or (not end and len(head) == SCRIPT_BYTES):
            break
        words = line[2:].decode("utf-8", "replace").split()
        if len(words) > 1 and posixpath.basename(words[0]) == "env":
            del words[0]
        if not words:
            break
        executable = words[0]
    return executable


def _machine(tree: layers.Tree, executable: str, folder: str = "") -> Optional[tuple[int, int, int]]:
    """Class, byte order and machine of an ELF program."""
    head = _head(tree, executable, folder)
    if head is None or not head.startswith(b"\x7fELF") or len(head) < HEADER_BYTES:
        return None
    order: Literal["little", "big"] = "little" if head[5] == 1 else "big"
    return head[4], head[5], int.from_bytes(head[18:20], order)


def _architecture(machine: tuple[int, int, int]) -> Optional[str]:
    return next((name for name, known in MACHINES.items() if known == machine), None)


def _head(tree: layers.Tree, executable: str, folder: str) -> Optional[bytes]:
    heads = (tree.head(place, SCRIPT_BYTES) for place in _places(executable, folder, SEARCH))
    return next((head for head in heads if head is not None), None)


def _places(executable: str, folder: str, search: Iterable[str]) -> list[str]:
    if "/" in executable:
        return [posixpath.join("/", folder, executable)]
    return [f"{place}/{executable}" for place in search]
