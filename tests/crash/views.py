# SPDX-License-Identifier: MIT
"""What is seen of a file system that lost its power: by GRUB's own code, and by the kernel.

Neither looks twice at what is the same to it: GRUB reads no block of the journal, and the kernel nothing
of a transaction without its commit block.
"""

from __future__ import annotations

import hashlib
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import Union

from recording import BLOCK
from sim import tools

MAGIC = 0xC03B3998
DESCRIPTOR, COMMIT, REVOKE = 1, 2, 5
CSUM_V3, WIDE = 0x10, 0x2
SAME_UUID, LAST_TAG = 2, 8
HEAD = b"# GRUB Environment Block\n"
ENVIRONMENT_BYTES = 1024
REPAIRED = "repaired"

Disk = Union[bytearray, mmap]


@dataclass(frozen=True)
class Journal:
    """Where it is: the numbers of its blocks, in order."""

    blocks: tuple[int, ...]

    @classmethod
    def of(cls, image: Path) -> Journal:
        said = tools.run("debugfs", "-R", "blocks <8>", image)
        return cls(tuple(int(number) for number in said.split()))

    def replayed(self, disk: Disk) -> bytes:
        """Its superblock and what has a commit block: all that a replay reads."""
        found = hashlib.sha256()
        head = self.read(disk, 0)
        length, first, sequence, start, features = (
            struct.unpack_from(">I", head, at)[0] for at in (0x10, 0x14, 0x18, 0x1C, 0x28)
        )
        found.update(head)
        at, pending = start, hashlib.sha256()
        for _ in range(length if start else 0):
            block = self.read(disk, at)
            magic, kind, number = struct.unpack_from(">III", block)
            if magic != MAGIC or number != sequence or kind not in (DESCRIPTOR, COMMIT, REVOKE):
                break
            pending.update(block)
            for _ in range(tags(block, features) if kind == DESCRIPTOR else 0):
                at = at + 1 if at + 1 < length else first
                pending.update(self.read(disk, at))
            if kind == COMMIT:
                found.update(pending.digest())
                pending, sequence = hashlib.sha256(), sequence + 1
            at = at + 1 if at + 1 < length else first
        return found.digest()

    def read(self, disk: Disk, index: int) -> bytes:
        at = self.blocks[index] * BLOCK
        return bytes(disk[at : at + BLOCK])


def tags(block: bytes, features: int) -> int:
    """How many blocks follow a descriptor."""
    count, at = 0, 12
    size = 12 if features & WIDE else 8
    form, offset = ">H", 6
    if features & CSUM_V3:
        size, form, offset = 16, ">I", 4
    while at + size <= BLOCK:
        flags = struct.unpack_from(form, block, at + offset)[0]
        count += 1
        at += size + (0 if flags & SAME_UUID else 16)
        if flags & LAST_TAG:
            break
    return count


def grub_read(image: Path, path: str) -> bytes | None:
    """A file as GRUB's own driver reads it."""
    done = subprocess.run(["grub-fstest", image, "cat", path], capture_output=True, timeout=1800)
    return done.stdout if done.returncode == 0 else None


def values(block: bytes | None) -> dict[str, str] | None:
    """None where it is not a whole block."""
    if block is None or len(block) != ENVIRONMENT_BYTES or not block.startswith(HEAD):
        return None
    lines = block.decode("latin1").split("\n")
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def candidates(image: Path) -> Iterator[str]:
    """The revisions that the boot loader takes, the first one that it finds a kernel of."""
    notes = values(grub_read(image, "/boot/grubtry"))
    for path in ("/boot/grubenv", "/boot/grubenv2"):
        found = values(grub_read(image, path))
        if found and found.get("pv_rev") and found.get("pv_gen") == found.get("pv_end"):
            break
    else:
        found = {"pv_rev": (notes or {}).get("pv_last") or "0"}
    if found.get("pv_try") and notes is not None and notes.get("pv_trying") != found.get("pv_gen"):
        yield found["pv_try"]
    yield found["pv_rev"]
    yield from (found.get("pv_prev") or "0", "0")


def loader_choice(image: Path, kernels: dict[str, tuple[str, str]]) -> str:
    """What GRUB boots; AssertionError where that is not whole, or nothing."""
    for revision in candidates(image):
        files = [
            grub_read(image, f"/trails/{revision}/.pv/{name}")
            for name in ("pv-kernel.img", "pv-initrd.img")
        ]
        if None in files:
            continue
        sums = tuple(hashlib.sha256(content or b"").hexdigest() for content in files)
        assert sums == kernels[revision], f"GRUB starts revision {revision}, which is not whole"
        return revision
    raise AssertionError("BRICK: GRUB finds nothing to boot")


def mounts(device: str, folder: Path) -> bool:
    command = ["mount", "-t", "ext4", "-o", "noatime,data=ordered,nojournal_checksum", device, folder]
    return subprocess.run(command, capture_output=True).returncode == 0


def mount_as_a_device(programs: Path, device: str, folder: Path) -> bool:
    """True where a torn superblock had to be repaired, as a device does before each mount;
    AssertionError where that does not help.
    """
    if mounts(device, folder):
        return False
    done = subprocess.run([programs / "play", device, "repair"], timeout=1800)
    assert done.returncode == 0, "it cannot be mounted, and has nothing that can be repaired"
    assert mounts(device, folder), "it cannot be mounted"
    return True


def kernel_verdict(programs: Path, device: str, folder: Path, revision: str) -> str:
    """Mounted by the kernel, and booted: "" or what is wrong. A repair is noted."""
    try:
        note = REPAIRED if mount_as_a_device(programs, device, folder) else ""
    except AssertionError as wrong:
        return str(wrong)
    try:
        done = subprocess.run(
            [programs / "play", folder, "judge", revision], capture_output=True, text=True, timeout=1800
        )
        return note if done.returncode == 0 else f"revision {revision}: {done.stdout}{done.stderr}"
    finally:
        tools.run("umount", folder)
