# SPDX-License-Identifier: MIT
"""Nodes of a tree as inodes, in the bytes that an image has; the library makes those of directories.

Source: Linux, fs/squashfs/squashfs_fs.h, and Documentation/filesystems/squashfs.rst.
"""

from __future__ import annotations

import struct
from typing import Any

from ..errors import FormatError
from ..layers.tree import DeviceNode, Fifo, File, Node, Socket, Symlink
from .data_area import Content
from .library import NO_XATTR

# What all inodes have: mode, of the owners their places in the id table, time, number.
Base = tuple[int, int, int, int, int]

DIRECTORY_TYPE = 0o040000
_MAX_TIME = 2**32 - 1
_MAX_BASIC = 2**32 - 1  # of what a basic file's inode has 32 bits for
_EXTENDED = 7  # what an extended inode's type adds to the basic one's
_DIRECTORY, _FILE, _SYMLINK, _BLOCK_DEVICE, _CHARACTER_DEVICE, _FIFO, _SOCKET = 1, 2, 3, 4, 5, 6, 7

_HEAD = struct.Struct("<HHHHII")
_BASIC_FILE = struct.Struct(_HEAD.format + "IIII")  # with the head
_EXTENDED_FILE = struct.Struct(_HEAD.format + "QQQIIII")


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


def file(base: Base, content: Content, links: int, xattr: int) -> bytes:
    """The inode of a regular file."""
    is_extended = (
        links > 1 or xattr != NO_XATTR or content.sparse or max(content.size, content.start) > _MAX_BASIC
    )
    if is_extended:
        head = _EXTENDED_FILE.pack(
            _FILE + _EXTENDED, *base, content.start, content.size, content.sparse, links,
            content.ends, content.offset, xattr,
        )  # fmt: skip
    else:
        head = _BASIC_FILE.pack(_FILE, *base, content.start, content.ends, content.offset, content.size)
    words = content.words
    return head + struct.pack(f"<{len(words)}I", *words) if words else head


def special(base: Base, node: Node, links: int, xattr: int) -> bytes:
    """The inode of what is neither file nor directory. Raises FormatError."""
    is_extended = xattr != NO_XATTR
    parts = [_HEAD.pack(_type(node) + (_EXTENDED if is_extended else 0), *base), _number(links)]
    if isinstance(node, Symlink):
        parts += [_number(len(node.target)), node.target]
    elif isinstance(node, DeviceNode):
        parts.append(_number(_device_number(node)))
    if is_extended:
        parts.append(_number(xattr))
    return b"".join(parts)


def finish_directory(inode: Any, base: Base, links: int) -> None:
    """Give a directory's inode, which the library made, what it does not know: among it the number of
    links, since it would count every entry.
    """
    content = inode.contents
    variant = content.variant.directory if content.base.type == _DIRECTORY else content.variant.ipc
    variant.nlink = links
    head = content.base
    head.mode, head.uid_idx, head.gid_idx, head.mod_time, head.inode_number = base


def clamp(time: int) -> int:
    """The nearest time that squashfs can hold."""
    return max(0, min(time, _MAX_TIME))


def _number(value: int) -> bytes:
    return value.to_bytes(4, "little")


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
