# SPDX-License-Identifier: MIT
"""A cpio archive in the form ``newc``, the one that Linux unpacks as its initramfs (kernel documentation,
driver-api/early-userspace/buffer-format).

Entries are sorted, owned by root, numbered from 1 and bear one given time: the same content makes the same
bytes.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from .errors import DebError

MAX_FILE_BYTES = 0xFFFFFFFF
MAX_NAME_BYTES = 4096
_TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class Entry:
    """``mode`` holds the kind too (stat.S_IFREG ...); ``data`` is a file's content or a link's target."""

    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(mode: int = 0o755) -> Entry:
    return Entry(stat.S_IFDIR | mode)


def file(data: bytes, mode: int = 0o644) -> Entry:
    return Entry(stat.S_IFREG | mode, data)


def link(target: str) -> Entry:
    return Entry(stat.S_IFLNK | 0o777, target.encode())


def character_device(major: int, minor: int, mode: int = 0o600) -> Entry:
    return Entry(stat.S_IFCHR | mode, device=(major, minor))


def with_parents(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """``entries`` and every folder above one of them that is not named itself."""
    whole = dict(entries)
    for path in entries:
        parts = path.split("/")[:-1]
        for count in range(1, len(parts) + 1):
            above = whole.setdefault("/".join(parts[:count]), folder())
            if not stat.S_ISDIR(above.mode):
                raise DebError(f"{path} lies below {'/'.join(parts[:count])}, which is not a directory")
    return whole


def write(stream: BinaryIO, entries: Mapping[str, Entry], *, epoch: int) -> None:
    """All of ``entries`` (relative path -> entry) and their folders, padded to 512 bytes."""
    size = 0
    for number, (path, entry) in enumerate(sorted(with_parents(entries).items()), start=1):
        _check(path, entry)
        size += stream.write(_member(path, entry, number=number, epoch=epoch))
    size += stream.write(_member(_TRAILER, Entry(0), number=0, epoch=0))
    stream.write(b"\0" * (-size % 512))


def _check(path: str, entry: Entry) -> None:
    if any(part in ("", ".", "..") for part in path.split("/")) or len(path.encode()) > MAX_NAME_BYTES:
        raise DebError(f'"{path[:200]}" is not a plain relative path')
    if len(entry.data) > MAX_FILE_BYTES:
        raise DebError(f"{path} is larger than {MAX_FILE_BYTES} bytes")


def _member(path: str, entry: Entry, *, number: int, epoch: int) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (number, entry.mode, 0, 0, links, epoch, len(entry.data), 0, 0, *entry.device, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(header + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
