# SPDX-License-Identifier: MIT
"""A unit's record onto an image or a disk that holds one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .. import atomic, disk, unit
from ..errors import FormatError, NotFound, PantavisorError
from ..readers import IMAGE, Findings, Opened, opened, read_small
from ..unit import Unit
from . import drive, identities


@dataclass(frozen=True)
class Place:
    """Where a record is written: in the image or disk at ``target``, or in a copy of an image, ``output``.

    ``identities``: the identifiers of disk, partitions and file systems become the unit's own. ``again``: a
    record of the same unit is replaced. ``epoch`` is the time of what is written.
    """

    target: Path
    epoch: int
    output: Optional[Path] = None
    identities: bool = False
    again: bool = False


def check(place: Place) -> None:
    """Raise PantavisorError where no unit can be made of the target, before one is begun."""
    if place.target.is_block_device():
        if place.output is not None:
            raise FormatError("a disk is changed in place", hint="leave out --out")
        with drive.held(place.target):
            pass
    else:
        _check_output(place.output or place.target)
        if (block_map := _map_of(place.target)).is_file():
            disk.check_map(place.target, disk.read_map(block_map))
    with opened(place.target, Findings()) as found:
        _storage(place.target, found)
        if (serial := _serial(found)) is not None and not place.again:
            raise _is_another(place, serial)


def _check_output(output: Path) -> None:
    atomic.check_target(output)
    if output.is_dir():
        raise FormatError(f"{output} is a directory", hint="name a file")
    if not output.parent.is_dir():
        raise NotFound(f"{output.parent}: No such file or directory", hint="check the spelling")
    if not os.access(output.parent, os.W_OK):
        raise PantavisorError(f"{output.parent} cannot be written", hint="name another directory")


@contextmanager
def personalised(place: Place, record: Unit) -> Iterator[Path]:
    """The path of what has the record, to look at; an image takes its name when the block ends well.

    Raises PantavisorError.
    """
    if place.target.is_block_device():
        with drive.held(place.target) as stream, atomic.exclusive(stream):
            _write(place.target, place, record)
            # What is looked at next is to come from the disk.
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            yield place.target
        return
    output = place.output or place.target
    block_map = _map_of(place.target)
    with _locked(place), atomic.replacing_path(output) as beside:
        disk.copy_image(place.target, beside)
        span = _write(beside, place, record)
        yield beside
        text = disk.remap(beside, disk.read_map(block_map), span) if block_map.is_file() else None
        atomic.sync_file(beside)
        # Never an image with the map of another.
        _map_of(output).unlink(missing_ok=True)
    # The ledger has no unit as done whose image a power cut can take.
    atomic.sync_directory(output.parent)
    if text is not None:
        atomic.write(_map_of(output), text)


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """One station at a time where an image is changed in place; the next one finds the record in it."""
    if place.output is not None and not (place.output.exists() and place.output.samefile(place.target)):
        yield
        return
    with open(place.target, "rb") as stream, atomic.exclusive(stream):
        yield


def _map_of(image: Path) -> Path:
    return image.with_name(f"{image.name}.bmap")


def _write(path: Path, place: Place, record: Unit) -> disk.DiskSpan:
    with opened(path, Findings()) as found:
        span = _storage(path, found)
        if _serial(found) not in (None, record.serial):
            raise _is_another(place, str(_serial(found)))
        if place.identities:
            identities.personalise(path, found, record.serial, epoch=place.epoch)
    disk.write_file(path, span.start, unit.PATH, record.dumps(), epoch=place.epoch)
    return span


def _storage(path: Path, found: Opened) -> disk.DiskSpan:
    start = found.contents.storage_start
    if found.kind != IMAGE or found.tree is None or start is None:
        raise FormatError(
            f"{path} is not an image of ours, nor a disk with one", hint="flash an image first"
        )
    size = next(part.size for part in found.contents.partitions if part.start == start)
    return disk.DiskSpan(start, size)


def _serial(found: Opened) -> Optional[str]:
    """The serial number in the record of the storage, where it has one."""
    assert found.tree is not None
    entry = found.tree.entries.get(unit.PATH)
    if entry is None:
        return None
    try:
        return Unit.parse(read_small(found.tree, entry, limit=unit.MAX_BYTES)).serial
    except PantavisorError:
        return "one that cannot be read"


def _is_another(place: Place, serial: str) -> PantavisorError:
    return PantavisorError(
        f"{place.target} has the record of a unit already: {serial}", hint="flash it again first"
    )
