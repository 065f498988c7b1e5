# SPDX-License-Identifier: MIT
"""A file system tree in memory: names and metadata whole, contents by reference to where they can be read.

A hard link is the same node under two names. Names, targets and extended attributes are bytes:
Linux knows no encoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Optional, Protocol, Union

from ..errors import FormatError
from .stream import Span, local_spans

Xattrs = tuple[tuple[bytes, bytes], ...]


class Metadata(NamedTuple):
    """``mode`` has permission bits only, ``mtime`` is whole seconds, ``xattrs`` is sorted by name."""

    mode: int
    uid: int
    gid: int
    mtime: int
    xattrs: Xattrs = ()


# What a directory gets that is only in the path of another member.
IMPLIED = Metadata(0o755, 0, 0, 0)
HEAD_BYTES = 64  # what is kept of each file: enough to know a program by
# Of a program more is kept: where linkers put the name of its dynamic loader.
PROGRAM_MAGIC, PROGRAM_BYTES = b"\x7fELF", 1024
MAX_STEPS = 4096  # names and links on the way to one path
# What a container's root file system must have to be mounted upon; as the published tool makes them.
STRUCTURAL = (b"proc", b"sys", b"dev", b"tmp", b"var/tmp", b"run", b"var/run")


class Stored(NamedTuple):
    """Content at ``offset`` of the unpacked source number ``source``.

    ``segments``, for a sparse file, are (position in the file, length) of the pieces that lie there back
    to back. ``head`` are the first bytes, up to HEAD_BYTES or PROGRAM_BYTES, if the file was read already.
    """

    source: int
    offset: int
    segments: Optional[tuple[tuple[int, int], ...]] = None
    head: bytes = b""


Content = Union[Stored, bytes, Path]
DIGEST_BYTES = 32
ZEROS = bytes(DIGEST_BYTES)  # in the place of a digest: the piece is all zeros


class Pieces(NamedTuple):
    """The SHA-256 of each ``size`` bytes of a file, and of what is left at its end."""

    size: int
    digests: bytes


class Node:
    """An inode. Two names that share one node are hard links of each other."""

    __slots__ = ("metadata",)

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata


class Directory(Node):
    __slots__ = ("entries",)

    def __init__(self, metadata: Metadata, entries: Optional[Mapping[bytes, Node]] = None) -> None:
        super().__init__(metadata)
        self.entries: dict[bytes, Node] = dict(entries or {})


class File(Node):
    """``pieces`` are known once it was packed for a cache."""

    __slots__ = ("size", "content", "pieces")

    def __init__(self, metadata: Metadata, size: int, content: Content) -> None:
        self.metadata = metadata  # not by Node's: most nodes are files
        self.size = size
        self.content = content
        self.pieces: Optional[Pieces] = None


class Symlink(Node):
    __slots__ = ("target",)

    def __init__(self, metadata: Metadata, target: bytes) -> None:
        super().__init__(metadata)
        self.target = target


class DeviceNode(Node):
    __slots__ = ("is_block", "major", "minor")

    def __init__(self, metadata: Metadata, is_block: bool, major: int, minor: int) -> None:
        super().__init__(metadata)
        self.is_block = is_block
        self.major = major
        self.minor = minor


class Fifo(Node):
    __slots__ = ()


class Socket(Node):
    __slots__ = ()


class ContentSource(Protocol):
    """Something that can be read again from its start, such as a layer."""

    def contents(self, files: Sequence[File]) -> Iterator[tuple[File, Iterator[Span]]]:
        """The content of ``files``, which are sorted by offset.
        Raises DigestError if it is not what it was before.
        """


class Tree:
    """A root directory, and the sources its files lie in.
    ``left_out`` names what was met and must not be on a device. Where it ``reads_late``, spans of files
    whose pieces are known may be used up later or never.
    """

    reads_late = False

    def __init__(
        self, root: Directory, sources: Sequence[ContentSource] = (), *, left_out: tuple[str, ...] = ()
    ) -> None:
        self.root = root
        self.left_out = left_out
        self._sources = tuple(sources)

    @property
    def sources(self) -> tuple[ContentSource, ...]:
        return self._sources

    def walk(self) -> Iterator[tuple[bytes, Node]]:
        """Every name below the root, as (path, node), parents first,
        sorted by name within each directory.
        """
        stack: list[tuple[bytes, Node]] = [(b"", self.root)]
        while stack:
            path, node = stack.pop()
            if path:
                yield path, node
            if isinstance(node, Directory):
                prefix = path + b"/" if path else b""
                for name in sorted(node.entries, reverse=True):
                    stack.append((prefix + name, node.entries[name]))

    def files(self) -> Iterator[File]:
        """Every regular file once, however many names it has."""
        seen = set()
        for _, node in self.walk():
            if isinstance(node, File) and id(node) not in seen:
                seen.add(id(node))
                yield node

    def load(self) -> None:
        """Make sure that the tree is whole."""

    def contents(self) -> Iterator[tuple[File, Iterator[Span]]]:
        """Every regular file once with its bytes, in the order in which reading is cheapest:
        the last source first.

        Use up the spans of one file before asking for the next, unless the tree reads late.
        """
        stored: dict[int, list[File]] = {}
        for file in self.files():
            if isinstance(file.content, Stored):
                stored.setdefault(file.content.source, []).append(file)
            else:
                yield file, local_spans(file.content, file.size)
        for index in sorted(stored, reverse=True):
            yield from self._stored(index, sorted(stored[index], key=_offset))

    def _stored(self, index: int, files: Sequence[File]) -> Iterator[tuple[File, Iterator[Span]]]:
        """The contents of ``files``, sorted by offset, which lie in the source number ``index``."""
        return self._sources[index].contents(files)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While it lasts, spans may be used up; at its end all that was read is verified."""
        yield

    def keep(self) -> None:
        """Keep for another time what was found out while the contents were read, where there is a place."""

    def add_missing(self, paths: Sequence[bytes]) -> None:
        """Make the missing directories. A name that exists, whatever it is, is left alone."""
        for path in paths:
            directory = self.root
            for name in path.split(b"/"):
                node = directory.entries.setdefault(name, Directory(IMPLIED))
                if not isinstance(node, Directory):
                    break
                directory = node

    def need_folder(self, path: str) -> None:
        """Make the directory at ``path`` and those above it, unless they exist or a link leads
        to where nothing is: a volume may bring that. Raises FormatError where something else is in the way.
        """
        directory, parts = self.root, [part for part in path.split("/") if part]
        for count, part in enumerate(parts, 1):
            found = self.find("/".join(parts[:count]))
            if found is None and part.encode() not in directory.entries and part != "..":
                found = directory.entries[part.encode()] = Directory(IMPLIED)
            if found is None:
                return
            if not isinstance(found, Directory):
                raise FormatError(
                    f"{path[:200]} should be a directory of the root file system, and is not"
                )
            directory = found

    def give_file(self, path: str, content: bytes) -> Optional[File]:
        """Make the file, root's and readable for all, where nothing is but an empty file
        or a missing folder. What exists, and what links lead away, is left alone: then None.
        """
        folder, _, name = path.rpartition("/")
        if self.find(folder) is None:
            self.add_missing([folder.encode()])
        parent = self.find(folder)
        if not isinstance(parent, Directory):
            return None
        there = parent.entries.get(name.encode())
        if there is not None and not (isinstance(there, File) and there.size == 0):
            return None
        made = parent.entries[name.encode()] = File(IMPLIED._replace(mode=0o644), len(content), content)
        return made

    def find(self, path: str) -> Optional[Node]:
        """The node at ``path``, symbolic links followed within the tree, or None."""
        trail: list[Directory] = [self.root]
        names = [name for name in reversed(path.encode().split(b"/")) if name]
        for _ in range(MAX_STEPS):
            if not names:
                return trail[-1]
            name = names.pop()
            if name in (b".", b".."):
                if name == b".." and len(trail) > 1:
                    trail.pop()
                continue
            node = trail[-1].entries.get(name)
            if isinstance(node, Symlink):
                if node.target.startswith(b"/"):
                    del trail[1:]
                names += [part for part in reversed(node.target.split(b"/")) if part]
            elif isinstance(node, Directory):
                trail.append(node)
            else:
                return node if not names else None
        return None

    def head(self, path: str, size: int) -> Optional[bytes]:
        """The first ``size`` bytes of the regular file at ``path``, or None.
        Costs a pass over the layer it lies in.
        """
        file = self.find(path)
        if not isinstance(file, File):
            return None
        content = file.content
        if isinstance(content, Stored) and len(content.head) >= min(size, file.size):
            return content.head[:size]
        if isinstance(content, Stored):
            contents = self._sources[content.source].contents([file])
            _, spans = next(contents)
        else:
            spans = local_spans(content, file.size)
        found = b""
        for chunk, start, end in spans:
            found += chunk[start:end]
            if len(found) >= size:
                break
        return found[:size]

    def subtree(self, path: str) -> Optional[Tree]:
        """The tree below the directory at ``path``, or None."""
        node = self.find(path)
        return Tree(node, self._sources) if isinstance(node, Directory) else None


def _offset(file: File) -> int:
    assert isinstance(file.content, Stored)
    return file.content.offset
