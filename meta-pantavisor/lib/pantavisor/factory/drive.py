# SPDX-License-Identifier: MIT
"""A disk to flash: whole, not in use, and large enough; written and read past the cache of the kernel, so
that what is read back comes from the disk.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Optional

from ..errors import FormatError, NotFound, PantavisorError

SECTOR = 512
CHUNK = 4 * 1024 * 1024
_REREAD_TABLE = 0x125F  # BLKRRPART
_SYSTEM = ("/", "/boot", "/boot/efi", "/usr", "/var")


class Drive:
    """A disk that is open for nothing else. Positions and lengths are whole sectors."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self._descriptor = descriptor
        # Transfers past the cache need memory that begins at a page.
        self._buffer = mmap.mmap(-1, CHUNK)

    def write(self, data: bytes, at: int) -> None:
        """All of ``data``, at most a chunk. Raises OSError, also where the disk takes only some of it."""
        self._buffer[: len(data)] = data
        done = 0
        with memoryview(self._buffer) as view:
            while done < len(data):
                with view[done : len(data)] as rest:
                    count = os.pwrite(self._descriptor, rest, at + done)
                if count <= 0 or count % SECTOR:
                    raise OSError(errno.EIO, f"took {done + count} of {len(data)} bytes")
                done += count

    def read(self, at: int, length: int) -> bytes:
        """``length`` bytes, at most a chunk. Raises OSError, also where there are fewer."""
        with memoryview(self._buffer) as view, view[:length] as part:
            count = os.preadv(self._descriptor, [part], at)
        if count != length:
            raise OSError(errno.EIO, f"gave {count} of {length} bytes")
        return self._buffer[:length]

    def sync(self) -> None:
        """Until the disk itself has all of it."""
        os.fsync(self._descriptor)

    def reread_table(self) -> None:
        """Let the kernel know of the new partitions; where it does not, it will at the next start."""
        try:
            fcntl.ioctl(self._descriptor, _REREAD_TABLE)
        except OSError:
            pass

    def close(self) -> None:
        os.close(self._descriptor)
        self._buffer.close()


@contextmanager
def opened(path: Path, needed: int) -> Iterator[Drive]:
    """The disk at ``path`` for an image of ``needed`` bytes, in use by nothing else. Raises PantavisorError
    for what must not be written.
    """
    descriptor = _open(path, os.O_RDWR | os.O_DIRECT)
    size = os.lseek(descriptor, 0, os.SEEK_END)
    drive = Drive(path, descriptor, size)
    try:
        if size < needed:
            raise FormatError(
                f"{path} has {size} bytes, too few for the {needed} of the image", hint="use a larger disk"
            )
        yield drive
    finally:
        drive.close()


@contextmanager
def held(path: Path) -> Iterator[BinaryIO]:
    """The disk at ``path``, which nothing else mounts or takes meanwhile. Raises PantavisorError."""
    with os.fdopen(_open(path, os.O_RDONLY), "rb", buffering=0) as stream:
        yield stream


def _open(path: Path, flags: int) -> int:
    check(path)
    try:
        return os.open(path, flags | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise PantavisorError(
                f"{path} is in use", hint=f"find by what: lsblk {path}; then unmount it"
            ) from error
        raise


def check(path: Path) -> None:
    """Raise PantavisorError unless ``path`` is a whole disk that nothing uses and that may be written."""
    if not path.exists():
        raise NotFound(f"{path} does not exist", hint="list the disks: lsblk")
    if not stat.S_ISBLK(path.stat().st_mode):
        raise FormatError(f"{path} is not a disk", hint="name one as lsblk lists it, such as /dev/sdb")
    entry = _entry(path.stat().st_rdev)
    if (entry / "partition").exists():
        raise FormatError(f"{path} is a partition", hint=f"name the whole disk: /dev/{entry.parent.name}")
    numbers = _numbers(entry)
    for place in _mounted(numbers):
        if place in _SYSTEM:
            raise PantavisorError(f"{path} is the disk that this system runs from", hint="name another one")
        raise PantavisorError(f"{path} is mounted at {place}", hint=f"run: umount {place}")
    if swap := _swap(numbers):
        raise PantavisorError(f"{path} is in use for swapping", hint=f"run: swapoff {swap}")
    if _text(entry / "ro") == "1":
        raise PantavisorError(
            f"{path} is write-protected", hint="move the switch of the card, or: blockdev --setrw"
        )
    sector = _text(entry / "queue/logical_block_size")
    if sector not in ("", str(SECTOR)):
        raise FormatError(
            f"{path} has sectors of {sector} bytes, and a disk image is laid out for sectors of {SECTOR}",
            hint="use another disk",
        )


def _entry(number: int) -> Path:
    """What the kernel shows of a block device."""
    return Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve()


def _numbers(entry: Path) -> set[str]:
    """The numbers of a disk, its partitions, and what lies on them: volumes, RAIDs, encryption."""
    found: set[str] = set()
    left = [entry, *(part.parent for part in entry.glob("*/partition"))]
    while left:
        one = left.pop()
        number = _text(one / "dev")
        if number and number not in found:
            found.add(number)
            left += [holder.resolve() for holder in (one / "holders").glob("*")]
    return found


def _mounted(numbers: set[str]) -> list[str]:
    """Where any of these block devices is mounted, places of the system first."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        words, source = before.split(), after.split()[1:2]
        # btrfs has numbers of its own, so the name of what is mounted counts as well.
        if words[2] in numbers or (source and _number_of(source[0]) in numbers):
            found.append(words[4])
    return sorted(found, key=lambda place: (place not in _SYSTEM, place))


def _swap(numbers: set[str]) -> Optional[str]:
    lines = Path("/proc/swaps").read_text().splitlines()[1:]
    return next((line.split()[0] for line in lines if _number_of(line.split()[0]) in numbers), None)


def _number_of(name: str) -> str:
    try:
        status = os.stat(name)
    except (OSError, ValueError):
        return ""
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}" if stat.S_ISBLK(status.st_mode) else ""


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
