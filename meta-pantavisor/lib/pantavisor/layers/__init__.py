# SPDX-License-Identifier: MIT
"""Root file systems as trees: from OCI layers, from a tar, from a directory.

tree        the Tree and its nodes
flatten     OCI layers, or one tar -> Tree
directory   a directory -> Tree
known       layers from another time
late_reader  their contents, where one is needed
archive     a tar as members
paths xattrs sparse  what the header of a member has of them
merge       members laid over a tree: whiteouts, links, parents
marks       what overlayfs would obey, left out
hidden      what a layer hides of lower ones, as far as names show
limits      how much an archive may cost
stream      forward reading of chunks
ahead       chunks made by a thread
"""

from __future__ import annotations

from .directory import from_directory
from .flatten import LayeredTree, flatten, from_tar
from .known import KnownLayers
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
    "KnownLayers",
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
