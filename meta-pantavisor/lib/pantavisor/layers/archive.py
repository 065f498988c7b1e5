# SPDX-License-Identifier: MIT
"""A tar stream as members: ustar, GNU and pax, old and sparse forms included.

What the standard library's tarfile does not do as needed here: names stay bytes, extended attributes and
sparse maps come along, contents are not read but located, and every number that a hostile header may hold
is bounded. Links, directories and devices have no content whatever their header states, as in Go's
archive/tar, which container engines use.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Optional

from ..errors import FormatError
from ..tar import Header, HeaderReader, padded, show
from ..tar.numbers import decimal, number, owner, seconds
from . import paths, sparse, xattrs
from .limits import Budget, check
from .marks import Marks
from .stream import ChunkStream
from .tree import DeviceNode, Directory, Fifo, File, Metadata, Node, Stored, Symlink

_MAX_ID = 2**32 - 1
_MAX_MAJOR = 2**12 - 1
_MAX_MINOR = 2**20 - 1
_NODE_BYTES = 64  # for the budget: what a member costs in addition to its texts
_SEGMENT_BYTES = 16
_KEPT = 1024  # metadata of headers


class Member(NamedTuple):
    """A path with its node, or with the path of the member it is a hard link to."""

    path: paths.Path
    node: Optional[Node] = None
    link: Optional[paths.Path] = None


class TarReader:
    """Iterates over the members of an unpacked tar, source number ``source`` of the tree that it becomes
    part of.

    A file's stored bytes are next in the stream while it is the current member. Afterwards the stream
    follows the end mark. Raises FormatError and LimitError.
    """

    def __init__(
        self, stream: ChunkStream, budget: Budget, marks: Marks, *, source: int, what: str
    ) -> None:
        self._stream = stream
        self._budget = budget
        self._marks = marks
        self._source = source
        self._what = what
        self._headers = HeaderReader(
            stream.read_or_end,
            max_bytes=budget.limits.header_bytes,
            what=what,
            count=lambda: budget.add_entry(0),
        )

    def __iter__(self) -> Iterator[Member]:
        while (header := self._headers.next()) is not None:
            member, stored = self._member(header)
            end = self._stream.offset + stored
            yield member
            if stored:
                self._stream.skip_to(end)
                # Behind the last member some writers leave out what only fills its block.
                self._stream.skip_available(padded(stored) - stored)

    def _member(self, header: Header) -> tuple[Member, int]:
        """The member, and how many bytes of it are still to be passed over."""
        path = paths.split(header.name, self._budget.limits, what=self._what)
        cost = _NODE_BYTES + len(header.name) + len(header.target)
        if header.target:
            check(len(header.target), self._budget.limits.path_bytes, "bytes in the target of a link")
        if header.kind == b"1":
            self._budget.add_entry(cost)
            return Member(path, link=paths.split(header.target, self._budget.limits, what=self._what)), 0
        metadata = self._metadata(header)
        if metadata.xattrs:
            cost += sum(len(name) + len(value) for name, value in metadata.xattrs)
        if header.kind in b"\x000" + b"7S":
            node, stored, segments = self._file(header, metadata)
            self._budget.add_entry(cost + _SEGMENT_BYTES * segments)
            return Member(path, node), stored
        self._budget.add_entry(cost)
        return Member(path, self._special(header, metadata)), 0

    def _metadata(self, header: Header) -> Metadata:
        block, records = header.block, header.records
        if not records:
            return self._owned(header, _metadata(block[100:124], block[136:148]))
        mode = number(block[100:108]) & 0o7777
        uid = owner(records.get(b"uid", b""), block[108:116])
        gid = owner(records.get(b"gid", b""), block[116:124])
        mtime = seconds(records[b"mtime"]) if records.get(b"mtime") else number(block[136:148])
        found = xattrs.from_records(records, self._budget.limits, what=self._what)
        kept = self._marks.without(found) if found else found
        return self._owned(header, Metadata(mode, uid, gid, mtime, kept))

    def _owned(self, header: Header, metadata: Metadata) -> Metadata:
        if not 0 <= metadata.uid <= _MAX_ID or not 0 <= metadata.gid <= _MAX_ID:
            raise FormatError(f"{self._what} has the member {show(header.name)} of an impossible owner")
        return metadata

    def _file(self, header: Header, metadata: Metadata) -> tuple[File, int, int]:
        """With how many bytes of it are to be passed over, and the number of its pieces if it is sparse."""
        start = self._stream.offset
        if not header.records and header.kind != b"S":
            return File(metadata, header.size, Stored(self._source, start)), header.size, 0
        segments, size = self._segments(header)
        content = self._stream.offset
        # What the map itself took up is passed; the block padding counts from the start of the stored
        # bytes. The old form's extension blocks are not part of the size.
        map_bytes = content - start if header.kind != b"S" else 0
        stored = header.size - map_bytes
        if stored < 0:
            raise FormatError(f"{self._what} has a sparse map longer than its member")
        if segments is not None:
            sparse.check_segments(segments, size, stored, what=self._what)
            self._budget.add_bytes(size - stored)
        return File(metadata, size, Stored(self._source, content, segments)), stored, len(segments or ())

    def _segments(self, header: Header) -> tuple[Optional[sparse.Segments], int]:
        """The sparse map, or None, and the size of the file; reads what of the map lies in the stream."""
        records, limits = header.records, self._budget.limits
        if header.kind == b"S":
            size = number(header.block[483:495])
            return sparse.from_old_header(header.block, self._stream, limits), size
        if records.get(b"GNU.sparse.major") == b"1":
            return sparse.from_content(self._stream, limits), self._real_size(records)
        if b"GNU.sparse.map" in records:
            return sparse.from_map(records[b"GNU.sparse.map"], limits), self._real_size(records)
        return None, header.size

    def _real_size(self, records: Mapping[bytes, bytes]) -> int:
        return decimal(records.get(b"GNU.sparse.realsize") or records.get(b"GNU.sparse.size") or b"")

    def _special(self, header: Header, metadata: Metadata) -> Node:
        if header.kind == b"5":
            return Directory(metadata)
        if header.kind == b"2":
            if not header.target:
                raise FormatError(f"{self._what} has the symbolic link {show(header.name)} to nothing")
            return Symlink(metadata._replace(mode=0o777), header.target)  # Linux knows no other
        if header.kind in b"34":
            major, minor = number(header.block[329:337]), number(header.block[337:345])
            if not 0 <= major <= _MAX_MAJOR or not 0 <= minor <= _MAX_MINOR:
                raise FormatError(
                    f"{self._what} has the device {show(header.name)} with impossible numbers"
                )
            return self._marks.see(DeviceNode(metadata, header.kind == b"4", major, minor))
        if header.kind == b"6":
            return Fifo(metadata)
        raise FormatError(
            f"{self._what} has the member {show(header.name)} of unknown type {header.kind!r}"
        )


@functools.lru_cache(maxsize=_KEPT)
def _metadata(mode_and_owners: bytes, mtime: bytes) -> Metadata:
    """That of a header alone. Most members share it with others."""
    mode, uid, gid = mode_and_owners[:8], mode_and_owners[8:16], mode_and_owners[16:]
    return Metadata(number(mode) & 0o7777, owner(b"", uid), owner(b"", gid), number(mtime))
