# SPDX-License-Identifier: MIT
"""OCI layers laid over each other, on nodes instead of files.

Rules (OCI image specification, "Image Layer Filesystem Changeset"; where it is silent, what ``umoci
unpack`` does as root): a layer's whiteouts hide what lower layers hold, wherever in the layer they are,
and never what the layer itself brings; a directory over a directory only renews its metadata; anything else
replaces what was below; of equal members the last counts; parents are found through symbolic
links, which cannot lead out of the root; parents that are missing come to be. A hard link is made to what
its target is at that moment, also to what this layer hides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from ..errors import FormatError
from ..tar import show
from . import paths
from .archive import Member
from .limits import Budget, check
from .tree import IMPLIED, Directory, Node, Symlink

WHITEOUT = b".wh."
OPAQUE = b".wh..wh..opq"
# Left by aufs, the storage of early docker; they mean nothing to others.
_AUFS = b".wh..wh."
MAX_LINKS = 40  # symbolic links on the way to one path; what Linux allows
MAX_PARENTS = 4096  # directories whose place is remembered
MAX_STEPS = 1024  # names on the way to one path, those in links included


class Merger:
    """Takes layers from the lowest up and lays each over the tree below ``root``."""

    def __init__(self, root: Directory, budget: Budget) -> None:
        self._root = root
        self._budget = budget
        # What this layer hid, by the directory it was in: still there to be linked to.
        self._hidden: dict[tuple[int, bytes], Node] = {}
        self._hidden_from: list[Directory] = []
        # Where paths of directories lead. New names change nothing about that, only what goes
        # or is replaced does.
        self._parents: dict[paths.Path, Directory] = {}

    def add_layer(self, members: Iterable[Member]) -> None:
        """Lay one layer over the tree. Raises FormatError."""
        kept, whiteouts = _split_off_whiteouts(members)
        made = (
            {member.path for member in kept if isinstance(member.node, Directory)} if whiteouts else set()
        )
        for path in whiteouts:
            self._hide(path, made)
        for member in kept:
            self.add(member)
        self._hidden.clear()
        self._hidden_from.clear()

    def add(self, member: Member) -> None:
        """Put one member into the tree. Raises FormatError."""
        if not member.path:
            self._renew_root(member)
            return
        parent = self._parent(member.path)
        name = member.path[-1]
        if member.link is not None:
            # What has the name goes first, as everywhere: a link to itself,
            # or into what it replaces, leads nowhere.
            self._remove(parent, name)
            parent.entries[name] = self._link_target(member)
            return
        assert member.node is not None
        present = parent.entries.get(name)
        if isinstance(present, Directory) and isinstance(member.node, Directory):
            present.metadata = member.node.metadata
        else:
            self._remove(parent, name)
            parent.entries[name] = member.node

    def _remove(self, directory: Directory, name: bytes) -> Optional[Node]:
        node = directory.entries.pop(name, None)
        if node is not None and isinstance(node, (Directory, Symlink)):
            self._parents.clear()
        return node

    def _renew_root(self, member: Member) -> None:
        if not isinstance(member.node, Directory):
            raise FormatError("a layer puts something else in the place of the root directory")
        self._root.metadata = member.node.metadata

    def _link_target(self, member: Member) -> Node:
        assert member.link is not None
        shown = f"{show(b'/'.join(member.path))} to {show(b'/'.join(member.link))}"
        parent = self._find(member.link[:-1], hidden=True) if member.link else None
        node = self._entry(parent, member.link[-1], True) if parent else None
        if node is None:
            raise FormatError(f"a layer has the hard link {shown}, which does not exist")
        if isinstance(node, Directory):
            raise FormatError(f"a layer has the hard link {shown}, which is a directory")
        return node

    def _hide(self, path: paths.Path, made: set[paths.Path]) -> None:
        """Take away what a whiteout names. ``made`` are the directories that the layer itself brings."""
        directory = self._find(path[:-1], hidden=False, made=made)
        if directory is None:
            return
        for name in list(directory.entries) if path[-1] == OPAQUE else [path[-1][len(WHITEOUT) :]]:
            node = self._remove(directory, name)
            if node is not None:
                self._hidden[id(directory), name] = node
                self._hidden_from.append(directory)  # keeps the id its own

    def _parent(self, path: paths.Path) -> Directory:
        """The directory that ``path`` is to lie in, made if need be."""
        folder = path[:-1]
        known = self._parents.get(folder)
        if known is None:
            if len(self._parents) >= MAX_PARENTS:
                self._parents.clear()
            known = self._parents[folder] = self._make_parent(path)
        return known

    def _make_parent(self, path: paths.Path) -> Directory:
        walk = _Walk(self._root, path[:-1])
        missing: list[bytes] = []
        while (name := walk.next_name()) is not None:
            if name == b"..":
                # A name that does not exist, and back: nothing to make.
                if missing:
                    missing.pop()
                else:
                    walk.up()
            elif missing or (node := walk.here.entries.get(name)) is None:
                missing.append(name)
            else:
                walk.enter(name, node)
        directory = walk.here
        check(walk.depth + len(missing) + 1, self._budget.limits.depth, "names in a path")
        for name in missing:
            self._budget.add_entry(len(name))
            made = Directory(IMPLIED)
            directory.entries[name] = made
            directory = made
        return directory

    def _find(
        self, path: paths.Path, *, hidden: bool, made: Optional[set[paths.Path]] = None
    ) -> Optional[Directory]:
        """The directory at ``path``, or None. With ``made`` a link that this layer replaces is not
        followed.
        """
        walk = _Walk(self._root, path)
        while (name := walk.next_name()) is not None:
            if name == b"..":
                walk.up()
                continue
            node = self._entry(walk.here, name, hidden)
            if node is None or not isinstance(node, (Directory, Symlink)):
                return None
            if made and isinstance(node, Symlink) and (*walk.names, name) in made:
                return None
            walk.enter(name, node)
        return walk.here

    def _entry(self, directory: Directory, name: bytes, hidden: bool) -> Optional[Node]:
        node = directory.entries.get(name)
        return self._hidden.get((id(directory), name)) if node is None and hidden else node


class _Walk:
    """Steps along a path from the root, through symbolic links, never above the root."""

    def __init__(self, root: Directory, path: paths.Path) -> None:
        self._path = path
        self._left = list(reversed(path))
        self._trail = [root]
        self._links = 0
        self._steps = 0
        self.names: list[bytes] = []  # from the root to here

    @property
    def here(self) -> Directory:
        return self._trail[-1]

    @property
    def depth(self) -> int:
        return len(self.names)

    def _shown(self) -> str:
        return show(b"/".join(self._path))

    def next_name(self) -> Optional[bytes]:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise FormatError(
                f"a layer has members below {self._shown()}, where too many symbolic links are followed"
            )
        return self._left.pop() if self._left else None

    def up(self) -> None:
        if self.names:
            self._trail.pop()
            self.names.pop()

    def enter(self, name: bytes, node: Node) -> None:
        """Go into a directory, or put a link's target before what is left of the path."""
        if isinstance(node, Directory):
            self._trail.append(node)
            self.names.append(name)
            return
        if not isinstance(node, Symlink):
            raise FormatError(
                f"a layer has members below {self._shown()}, but {show(name)} in it is not a directory"
            )
        self._links += 1
        if self._links > MAX_LINKS:
            raise FormatError(
                f"a layer has members below {self._shown()}, where symbolic links go in a circle"
            )
        if node.target.startswith(b"/"):
            del self._trail[1:]
            self.names.clear()
        parts = [part for part in node.target.split(b"/") if part not in (b"", b".")]
        self._left.extend(reversed(parts))


def is_hiding(path: paths.Path) -> bool:
    """Whether a name of ``path`` is a whiteout's."""
    # Looking once at all of it is much quicker than at each name, and nearly always enough.
    return WHITEOUT in b"/".join(path) and any(name.startswith(WHITEOUT) for name in path)


def _split_off_whiteouts(members: Iterable[Member]) -> tuple[list[Member], list[paths.Path]]:
    """The members to lay down, and the paths of whiteouts."""
    kept: list[Member] = []
    whiteouts: list[paths.Path] = []
    for member in members:
        path = member.path
        if not is_hiding(path):
            kept.append(member)
        elif path[-1] == OPAQUE:
            whiteouts.append(path)
        elif any(name.startswith(_AUFS) for name in path):
            continue
        elif path[-1][len(WHITEOUT) :] in (b"", b".", b"..") or any(
            name.startswith(WHITEOUT) for name in path[:-1]
        ):
            raise FormatError(f"a layer has {show(b'/'.join(path))}, which is not a whiteout of anything")
        else:
            whiteouts.append(path)
    return kept, whiteouts
