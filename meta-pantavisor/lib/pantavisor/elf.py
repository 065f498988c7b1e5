# SPDX-License-Identifier: MIT
"""Does a container's first program run on the machine it is made for? Its ELF header decides (System V ABI,
chapter 4).
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Iterable
from typing import Literal, Optional

from . import layers
from .errors import PantavisorError
from .layers.tree import PROGRAM_BYTES
from .oci import Platform

HEADER_BYTES = 20
SCRIPT_BYTES = 64  # of a script's first line; more of a file is not kept
MAX_SCRIPTS = 5  # of which each is run by the next, as in Linux
# In which linkers put the program headers, and the name of the loader: nearly all in the first, which a
# tree keeps, so that no layer is read again for it.
LOADER_BYTES = (PROGRAM_BYTES, 4096)
MAX_PROGRAM_HEADERS = 64
PT_INTERP = 3
# By class: where the program headers are, their size and number; of each its type, and where it points.
_PROGRAM_HEADERS = {1: ("28xI10xHH", "IIxxxxxxxxI"), 2: ("32xQ14xHH", "I4xQ16xQ")}
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


def places(executable: str, folder: str, search: Iterable[str] = ()) -> list[str]:
    """Where ``executable``, started in ``folder``, may be; a bare name is looked up in ``search``."""
    if "/" in executable:
        return [posixpath.join("/", folder, executable)]
    return [f"{place}/{executable}" for place in search or SEARCH]


def runner(tree: layers.Tree, path: str) -> Optional[str]:
    """What the kernel runs the file at ``path`` by: the interpreter of a script, the dynamic loader of a
    program. None where there is none, or none that is known.
    """
    head = tree.head(path, SCRIPT_BYTES) or b""
    found = None
    if head.startswith(b"#!"):
        found = _named(head)
    elif head.startswith(b"\x7fELF"):
        loaders = (_loader(tree.head(path, size) or b"") for size in LOADER_BYTES)
        found = next((name for name in loaders if name is not None), None)
    # An option of env, or bytes that only look like a name.
    return found if found and not found.startswith("-") and found.isprintable() else None


def _loader(head: bytes) -> Optional[str]:
    """PT_INTERP of an ELF program, empty where it has none; None if that is not among these first bytes."""
    if len(head) < 64 or head[4] not in _PROGRAM_HEADERS or head[5] not in (1, 2):
        return ""
    order = "<" if head[5] == 1 else ">"
    header, entry = (order + text for text in _PROGRAM_HEADERS[head[4]])
    start, size, count = struct.unpack_from(header, head)
    for number in range(min(count, MAX_PROGRAM_HEADERS)):
        where = start + number * size
        if where + struct.calcsize(entry) > len(head):
            return None
        kind, offset, length = struct.unpack_from(entry, head, where)
        if kind == PT_INTERP:
            name = head[offset : offset + length]
            return name.rstrip(b"\0").decode("utf-8", "replace") if len(name) == length else None
    return ""


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
        name = _named(_head(tree, executable, folder) or b"")
        if name is None:
            break
        executable = name
    return executable


def _named(head: bytes) -> Optional[str]:
    """What runs a script with these first bytes; None for other files, and for a line that goes on."""
    line, end, _ = head.partition(b"\n")
    if not head.startswith(b"#!") or (not end and len(head) == SCRIPT_BYTES):
        return None
    words = line[2:].decode("utf-8", "replace").split()
    if len(words) > 1 and posixpath.basename(words[0]) == "env":
        del words[0]
    return words[0] if words else None


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
    heads = (tree.head(place, SCRIPT_BYTES) for place in places(executable, folder))
    return next((head for head in heads if head is not None), None)
