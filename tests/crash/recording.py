# SPDX-License-Identifier: MIT
"""Stories of a device on a real ext4, played by the runtime's own functions, each write and flush recorded.

The file system is on a loop device over a file that remembers (``blockdisk``). Its features are those of
our images.
"""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sim import tools

IMAGE_BYTES = 12 * 2**20
BLOCK = 4096
FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,"
    "large_file,huge_file,dir_nlink,extra_isize,metadata_csum"
)
MKFS = (
    "-q", "-F", "-t", "ext4", "-O", FEATURES, "-b", str(BLOCK), "-I", "256", "-J", "size=4", "-m", "0",
    "-N", "256",
)  # fmt: skip
REBOOT = "reboot"
WAIT_SECONDS = 600
CLONE_NEWNS = 0x20000


@dataclass(frozen=True)
class Step:
    """Words for ``play``, and which revisions a boot loader may choose while they last and from then on."""

    words: str
    during: frozenset[str]
    after: frozenset[str]


def step(words: str, during: str, after: str = "") -> Step:
    allowed = frozenset(during.split())
    return Step(words, allowed, frozenset(after.split()) or allowed)


def update(new: str, old: str) -> tuple[Step, ...]:
    return (
        step(f"install {new}", old),
        step(f"publish {new}", f"{old} {new}", new),
        step(REBOOT, new),
        step("note", f"{old} {new}", old),
        step(f"progress {new} 4", old),
        step(f"commit {new} {old}", f"{old} {new}", new),
        step(f"progress {new} 6", new),
    )


FIRST, SECOND = "locals/first", "locals/second"
STORIES = {
    "update with reboot": (*update(FIRST, "0"), step(f"collect {FIRST}", FIRST)),
    "update without reboot": (
        step(f"install {FIRST}", "0"),
        step(f"publish {FIRST}", f"0 {FIRST}", FIRST),
        step(f"progress {FIRST} 5", FIRST),
        step(f"install {SECOND}", FIRST),
        step(f"publish {SECOND}", f"{FIRST} {SECOND}", SECOND),
        step(f"collect {SECOND}", SECOND),
    ),
    "fall back": (
        step(f"install {FIRST}", "0"),
        step(f"publish {FIRST}", f"0 {FIRST}", FIRST),
        step(REBOOT, FIRST),
        step("note", f"0 {FIRST}", "0"),
        step(f"progress {FIRST} 8", "0"),
        step(REBOOT, "0"),
        step("note", "0"),
        step("forget", "0"),
        step("collect 0", "0"),
    ),
    "collection": (*update(FIRST, "0"), *update(SECOND, FIRST), step(f"collect {SECOND}", SECOND)),
    "full disk": (step("!install 3", "0"), step("collect 0", "0"), step("!install 3", "0")),
}
# Room for two of the five objects of a revision, and what is kept back.
FULL_FREE_BYTES = IMAGE_BYTES // 20 + 80000


@dataclass
class Recording:
    """``epochs``: what was written between flushes, as pieces of a block, with the choices right then."""

    base: bytes
    epochs: list[tuple[list[tuple[int, bytes]], frozenset[str]]] = field(default_factory=list)


def play(programs: Path, folder: Path, words: str) -> None:
    """One step; with ``!`` in front it must fail."""
    done = subprocess.run(
        [programs / "play", folder, *words.lstrip("!").split()],
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == (1 if words.startswith("!") else 0), f"{words}: {done.stdout}{done.stderr}"


def have_own_mounts() -> None:
    """Mounts of this process are its own from here on.

    Another program that makes a mount name space while a file system is mounted would get a copy of that
    mount. It stays there after ours is gone, and so does all that the kernel holds of that file system: the
    next disk on the same device would be seen as the one before.
    """
    library = ctypes.CDLL(None, use_errno=True)
    assert library.unshare(CLONE_NEWNS) == 0, os.strerror(ctypes.get_errno())
    tools.run("mount", "--make-rprivate", "/")


@contextmanager
def mounted(device: Path | str, folder: Path) -> Iterator[None]:
    tools.run("mount", "-t", "ext4", "-o", "noatime,data=ordered,nojournal_checksum", device, folder)
    try:
        yield
    finally:
        tools.run("umount", folder)


@contextmanager
def loop_over(image: Path) -> Iterator[str]:
    device = tools.run("losetup", "-f", "--show", "--direct-io=off", image).strip()
    try:
        yield device
    finally:
        tools.run("losetup", "-d", device)


@contextmanager
def remembering(programs: Path, image: Path, log: Path, folder: Path) -> Iterator[Path]:
    """A file over ``image`` whose writes go to ``log``, too."""
    process = subprocess.Popen([programs / "blockdisk", image, log, folder])
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not os.path.ismount(folder):
            assert process.poll() is None and time.monotonic() < deadline, "blockdisk does not start"
            time.sleep(0.01)
        yield folder / "disk"
    finally:
        subprocess.run(["umount", folder], check=False)
        process.wait(WAIT_SECONDS)


def fill(folder: Path) -> None:
    """Leave little room, with a file that no device has."""
    found = os.statvfs(folder)
    with (folder / "filler").open("wb") as filler:
        filler.write(bytes(found.f_bavail * found.f_frsize - FULL_FREE_BYTES))
        os.fsync(filler.fileno())


def record(programs: Path, story: str, scratch: Path) -> Recording:
    """Play a story and read what went to the disk."""
    image, log, folder, disk = (scratch / name for name in ("image", "log", "mounted", "disk"))
    folder.mkdir()
    disk.mkdir()
    with image.open("wb") as stream:
        stream.truncate(IMAGE_BYTES)
    tools.run("mke2fs", *MKFS, image)
    with loop_over(image) as device, mounted(device, folder):
        (folder / "boot").mkdir()
        play(programs, folder, "make")
        if story == "full disk":
            fill(folder)
    base = image.read_bytes()
    with remembering(programs, image, log, disk) as file, loop_over(file) as device:
        marks = list(play_all(programs, STORIES[story], device, folder, log))
    return Recording(base, list(read_log(log.read_bytes(), marks)))


def play_all(
    programs: Path, steps: tuple[Step, ...], device: str, folder: Path, log: Path
) -> Iterator[tuple[int, int, Step]]:
    """Each step, and where it begins and ends in the log."""
    remaining = list(steps)
    while remaining:
        begin = log.stat().st_size
        with mounted(device, folder):
            while remaining and remaining[0].words != REBOOT:
                play(programs, folder, remaining[0].words)
                yield begin, log.stat().st_size, remaining.pop(0)
                begin = log.stat().st_size
        if remaining:
            yield begin, log.stat().st_size, remaining.pop(0)


def read_log(
    log: bytes, marks: list[tuple[int, int, Step]]
) -> Iterator[tuple[list[tuple[int, bytes]], frozenset[str]]]:
    """Pieces of a block between flushes, and the choices of all steps that they belong to."""
    at = begin = 0
    pieces: list[tuple[int, bytes]] = []
    while at < len(log):
        kind, length, offset = struct.unpack_from("IIQ", log, at)
        at += 16
        if kind == 1:
            pieces += [
                (offset + i, log[at + i : at + min(length, i + BLOCK)]) for i in range(0, length, BLOCK)
            ]
            at += length
        if (kind == 2 or at == len(log)) and pieces:
            yield pieces, choices(marks, begin, at)
            begin, pieces = at, []


def choices(marks: list[tuple[int, int, Step]], begin: int, end: int) -> frozenset[str]:
    """Of the steps that wrote there, else of the last one before: it asked for what is written later."""
    there = [one for first, last, one in marks if first < end and last > begin]
    before = [one for _, last, one in marks if last <= begin]
    return frozenset().union(
        *(one.during | one.after for one in there), *(one.after for one in before[-1:])
    )
