# SPDX-License-Identifier: MIT
"""One disk image onto several disks at once, each read back.

The first block of a disk, with the head of its partition table, is emptied first and written last, when all
else was read back; the last block, with the copy of the table, just before. So whatever interrupts it, a
disk that is not whole has no partition table, and nothing boots from it.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .. import regular
from ..disk import bmap, gpt
from ..errors import FormatError, NotFound, PantavisorError
from . import drive
from .drive import CHUNK, SECTOR, Drive

BLOCK = 4096
MAX_TARGETS = 64
WAIT_SECONDS = 0.1
INTERRUPTED = "it was interrupted"


@dataclass(frozen=True)
class Flashed:
    """What became of one target: whole and read back, or the ``problem``, and then without a partition
    table.
    """

    target: Path
    problem: Optional[str]
    bytes: int
    seconds: float

    @property
    def good(self) -> bool:
        return self.problem is None

    @property
    def interrupted(self) -> bool:
        return self.problem == INTERRUPTED


@dataclass(frozen=True)
class _Piece:
    """Bytes to write at once: a range of the block map, but for the blocks that are written last."""

    start: int
    end: int
    sha256: str

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Position and length of each transfer."""
        for at in range(self.start, self.end, CHUNK):
            yield at, min(CHUNK, self.end - at)


@dataclass(frozen=True)
class _Plan:
    """An image that was compared with its block map: the ``body``, then its ``tail`` and its ``head``."""

    image: int
    size: int
    mapped: int
    body: tuple[_Piece, ...]
    tail: bytes
    head: bytes

    def ends(self, size: int) -> list[tuple[int, bytes]]:
        """What is written last to a disk of ``size`` bytes, in this order, and where. The copy of a
        partition table belongs to the end of the disk.
        """
        found = [(self.size - BLOCK, self.tail), (0, self.head[:BLOCK])]
        table = gpt.fitted(self.head, size) if size > self.size else None
        if table is None:
            return found
        return [found[0], (size - len(table.tail), table.tail), (0, table.head[:BLOCK])]


class _Stopped(Exception):
    pass


def flash(
    image: Path,
    targets: Sequence[Path],
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Flashed, ...]:
    """Write ``image`` to each target by the block map next to it, and read all of it back.

    ``progress`` gets bytes written and read back of all targets, and their sum at the end, in the caller's
    thread. Raises PantavisorError, before anything is written, where the image is damaged or a target must
    not be written; what fails later, or is interrupted by Ctrl-C, is in what is returned.
    """
    _check_different(targets)
    block_map = bmap.read(map_of(image))
    with ExitStack() as stack:
        source = stack.enter_context(regular.opened(image))
        plan = _read(image, source.fileno(), block_map)
        drives = [stack.enter_context(drive.opened(target, plan.size)) for target in targets]
        stop = threading.Event()
        writers = [_Writer(plan, one, stop) for one in drives]
        try:
            for writer in writers:
                writer.start()
            _watch(writers, 2 * plan.mapped * len(writers), progress)
        except KeyboardInterrupt:
            pass
        finally:
            stop.set()
            for writer in writers:
                _wait(writer)
        return tuple(writer.result for writer in writers)


def _watch(writers: Sequence[_Writer], total: int, progress: Callable[[int, int], None]) -> None:
    while any(writer.is_alive() for writer in writers):
        progress(min(total - 1, sum(writer.done for writer in writers)), total)
        time.sleep(WAIT_SECONDS)
    progress(total, total)


def _wait(writer: _Writer) -> None:
    """Until it ended: another Ctrl-C must not take its disk from it before that has no table."""
    # join() takes a thread for ended that still runs, where it was interrupted.
    while writer.ident is not None and not writer.ended:
        try:
            time.sleep(WAIT_SECONDS)
        except KeyboardInterrupt:
            pass


def check_holds(target: Path, image: Path) -> None:
    """Raise PantavisorError unless all that the block map of ``image`` lists is on ``target``, but for the
    first and the last block, and where a copy of the table is, which are those of the disk.
    """
    block_map = bmap.read(map_of(image))
    with regular.opened(image) as source, open(target, "rb", buffering=0) as held:
        plan = _read(image, source.fileno(), block_map)
        os.posix_fadvise(held.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        limit = min(at for at, _ in plan.ends(os.lseek(held.fileno(), 0, os.SEEK_END)) if at)
        for piece in plan.body:
            part = source.fileno(), piece.start, min(piece.end, limit)
            wanted = piece.sha256 if piece.end <= limit else bmap.range_sha256(*part)
            if bmap.range_sha256(held.fileno(), *part[1:]) != wanted:
                raise PantavisorError(
                    f"{target} does not hold {image}: bytes {piece.start} to {piece.end} differ",
                    hint="flash it again",
                )


def _check_different(targets: Sequence[Path]) -> None:
    if len(targets) > MAX_TARGETS:
        raise FormatError(f"{len(targets)} targets are more than the {MAX_TARGETS} at once")
    seen: dict[int, Path] = {}
    for target in targets:
        drive.check(target)
        first = seen.setdefault(target.stat().st_rdev, target)
        if first is not target:
            raise FormatError(f"{first} and {target} are the same disk", hint="name each once")


def map_of(image: Path) -> Path:
    """The block map next to an image. Raises NotFound where one of them is missing."""
    if not image.is_file():
        raise NotFound(f"{image} does not exist, or is not a disk image", hint="name the image's file")
    found = image.with_name(f"{image.name}.bmap")
    if not found.is_file():
        raise NotFound(f"{found} is missing", hint=f"make it: bmaptool create -o {found} {image}")
    return found


def _read(image: Path, source: int, block_map: bmap.ReadMap) -> _Plan:
    """Compare the whole image with its map before any disk is touched."""
    bmap.check(image, block_map)
    size = block_map.size
    if size % SECTOR or size < 2 * BLOCK:
        raise FormatError(f"{image} has {size} bytes, and no disk has", hint="name a disk image")
    tail = size - BLOCK
    body = [
        piece
        for found in block_map.ranges
        for piece in [_piece(source, max(found.start, BLOCK), min(found.end, tail), found)]
        if piece is not None
    ]
    ends = os.pread(source, BLOCK, tail), os.pread(source, gpt.HEAD_BYTES, 0)
    return _Plan(source, size, block_map.mapped, tuple(body), *ends)


def _piece(source: int, start: int, end: int, found: bmap.MappedRange) -> Optional[_Piece]:
    if start >= end:
        return None
    is_whole = (start, end) == (found.start, found.end)
    return _Piece(start, end, found.sha256 if is_whole else bmap.range_sha256(source, start, end))


class _Writer(threading.Thread):
    """Writes one disk. ``result`` counts once it ended."""

    def __init__(self, plan: _Plan, target: Drive, stop: threading.Event) -> None:
        super().__init__(name=f"flash {target.path}", daemon=True)
        self._plan, self._drive, self._stop_asked = plan, target, stop
        self.done = 0
        self.ended = False
        self.result = Flashed(target.path, "it was not written", 0, 0.0)

    def run(self) -> None:
        try:
            self._run()
        finally:
            self.ended = True

    def _run(self) -> None:
        begin, problem = time.monotonic(), None
        try:
            self._flash()
        except _Stopped:
            problem = INTERRUPTED
        except PantavisorError as error:
            problem = error.message
        except OSError as error:
            problem = f"{error.strerror}, after {self.done} bytes were written or read back"
        except Exception as error:  # a bug of ours, which must not leave a disk that looks whole
            problem = f"{type(error).__name__}: {error}"
        if problem is not None:
            self._empty_head()
        seconds = time.monotonic() - begin
        self.result = Flashed(self._drive.path, problem, self._plan.mapped, seconds)

    def _flash(self) -> None:
        plan, disk = self._plan, self._drive
        nothing = bytes(BLOCK)
        # Without the copy at its end, firmware could take the old table for good.
        for at in (0, disk.size - BLOCK):
            disk.write(nothing, at)
        disk.sync()
        for piece in plan.body:
            self._write(piece)
        disk.sync()
        for piece in plan.body:
            self._read_back(piece)
        for at, data in plan.ends(disk.size):
            disk.write(data, at)
            disk.sync()
            if disk.read(at, len(data)) != data:
                raise PantavisorError(f"the partition table at byte {at} read back differs")
            self._advance(len(data))
        disk.reread_table()

    def _write(self, piece: _Piece) -> None:
        for at, length in piece.chunks():
            data = os.pread(self._plan.image, length, at)
            if len(data) < length:
                raise PantavisorError("the image became shorter while it was written")
            self._drive.write(data, at)
            self._advance(length)

    def _read_back(self, piece: _Piece) -> None:
        hasher = hashlib.sha256()
        for at, length in piece.chunks():
            hasher.update(self._drive.read(at, length))
            self._advance(length)
        if hasher.hexdigest() != piece.sha256:
            raise PantavisorError(f"bytes {piece.start} to {piece.end} read back differ from the image")

    def _advance(self, length: int) -> None:
        self.done += length
        if self._stop_asked.is_set():
            raise _Stopped

    def _empty_head(self) -> None:
        """Where even this fails, the head was not written, or not as it should be."""
        try:
            self._drive.write(bytes(BLOCK), 0)
            self._drive.sync()
        except OSError:
            pass
