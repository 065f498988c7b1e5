# SPDX-License-Identifier: MIT
"""Root file systems as trees: from OCI layers, from a tar, from a directory.

limits.py     how much an archive may cost
stream.py     forward reading of chunks    ahead.py   chunks made by a thread
paths.py xattrs.py sparse.py   what the header of a member has of them
archive.py    a tar as members
merge.py      members laid over a tree: whiteouts, links, parents
marks.py      what overlayfs would obey, left out
hidden.py     what a layer hides of lower ones, as far as names show
flatten.py    OCI layers, or one tar -> Tree  directory.py   a directory -> Tree
tree.py       the Tree and its nodes
"""

from __future__ import annotations

from .directory import from_directory
from .flatten import LayeredTree, flatten, from_tar
from .limits import Limits
from .marks import OPAQUE, is_whiteout, whiteout
from .tree import (
    STRUCTURAL,
    DeviceNode,
    Directory,
    Fifo,
    File,
    Metadata,
    Node,
    Socket,
    Stored,
    Symlink,
    Tree,
)

__all__ = [
    "OPAQUE",
    "STRUCTURAL",
    "DeviceNode",
    "Directory",
    "Fifo",
    "File",
    "LayeredTree",
    "Limits",
    "Metadata",
    "Node",
    "Socket",
    "Stored",
    "Symlink",
    "Tree",
    "flatten",
    "from_directory",
    "from_tar",
    "is_whiteout",
    "whiteout",
]
