# SPDX-License-Identifier: MIT
"""Nodes of a tree as the library's inodes."""

from __future__ import annotations

import ctypes
from typing import Any

from ..errors import FormatError
from ..layers.tree import DeviceNode, Fifo, File, Metadata, Node, Socket, Symlink
from .library import NO_XATTR, Library
from .structures import Inode

DIRECTORY_TYPE = 0o040000
_MAX_TIME = 2**32 - 1
_EXTENDED = 7  # what an extended inode's type adds to the basic one's
_DIRECTORY, _SYMLINK, _BLOCK_DEVICE, _CHARACTER_DEVICE, _FIFO, _SOCKET = 1, 3, 4, 5, 6, 7


def file_type(node: Node) -> int:
    """The type bits of a mode, as a directory's listing wants them."""
    if isinstance(node, File):
        return 0o100000
    if isinstance(node, Symlink):
        return 0o120000
    if isinstance(node, DeviceNode):
        return 0o060000 if node.is_block else 0o020000
    if isinstance(node, Socket):
        return 0o140000
    return 0o010000 if isinstance(node, Fifo) else DIRECTORY_TYPE


def finish_file(library: Library, inode: Any, links: int, xattr: int) -> None:
    """Complete the inode that the library made for a file's content."""
    if links > 1 or xattr != NO_XATTR:
        library.inode_make_extended(inode)
        inode.contents.variant.extended_file.nlink = links
        library.inode_set_xattr_index(inode, xattr)


def finish_directory(inode: Any, links: int) -> None:
    """Give a directory's inode its number of links: the library would count every entry."""
    content = inode.contents
    variant = content.variant.directory if content.base.type == _DIRECTORY else content.variant.ipc
    variant.nlink = links


def special(node: Node, links: int, xattr: int) -> Any:
    """A new inode for what is neither file nor directory. The pointer keeps its memory alive.
    Raises FormatError.
    """
    target = node.target if isinstance(node, Symlink) else b""
    memory = ctypes.create_string_buffer(bytes(ctypes.sizeof(Inode)) + target)
    inode = ctypes.cast(memory, ctypes.POINTER(Inode))
    content = inode.contents
    content.base.type = _type(node) + (_EXTENDED if xattr != NO_XATTR else 0)
    content.payload_bytes_available = content.payload_bytes_used = len(target)
    if isinstance(node, Symlink):
        variant = content.variant.symlink
        variant.target_size = len(target)
    elif isinstance(node, DeviceNode):
        variant = content.variant.device
        variant.devno = _device_number(node)
    else:
        variant = content.variant.ipc
    variant.nlink = links
    if xattr != NO_XATTR:
        variant.xattr_idx = xattr
    return inode


def set_base(
    inode: Any, metadata: Metadata, number: int, uid_index: int, gid_index: int, latest: int
) -> None:
    """Fill in what all inodes have. Times later than ``latest`` become that."""
    base = inode.contents.base
    base.mode = metadata.mode
    base.uid_idx = uid_index
    base.gid_idx = gid_index
    base.mod_time = clamp(min(metadata.mtime, latest))
    base.inode_number = number


def clamp(time: int) -> int:
    """The nearest time that squashfs can hold."""
    return max(0, min(time, _MAX_TIME))


def _type(node: Node) -> int:
    if isinstance(node, Symlink):
        return _SYMLINK
    if isinstance(node, DeviceNode):
        return _BLOCK_DEVICE if node.is_block else _CHARACTER_DEVICE
    if isinstance(node, Fifo):
        return _FIFO
    if isinstance(node, Socket):
        return _SOCKET
    raise FormatError(f"a {type(node).__name__} has no place in a squashfs image")


def _device_number(node: DeviceNode) -> int:
    # As the kernel's new_encode_dev(): the minor's low 8 bits, the major's 12, the rest of the minor.
    return (node.minor & 0xFF) | node.major << 8 | (node.minor & ~0xFF) << 12
