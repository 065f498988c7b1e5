# SPDX-License-Identifier: MIT
"""Nodes of a tree as the library's inodes: sqfs_inode_generic_t, written as bytes, since filling in a
structure takes many times as long.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from ..errors import FormatError
from ..layers.tree import DeviceNode, Fifo, File, Metadata, Node, Socket, Symlink
from .data_area import Content
from .library import NO_XATTR

DIRECTORY_TYPE = 0o040000
_MAX_TIME = 2**32 - 1
_MAX_BASIC = 2**32 - 1  # of what a basic file's inode has 32 bits for
_EXTENDED = 7  # what an extended inode's type adds to the basic one's
_DIRECTORY, _FILE, _SYMLINK, _BLOCK_DEVICE, _CHARACTER_DEVICE, _FIFO, _SOCKET = 1, 2, 3, 4, 5, 6, 7

# Type, mode, places of owner and group, time, number, and twice the bytes that follow the variants.
_HEAD = struct.Struct("<HHHHIIII")
_VARIANT_BYTES = 40
_BASIC_FILE = struct.Struct(_HEAD.format + "IIII24x")  # with the head, and filled up
_EXTENDED_FILE = struct.Struct("<QQQIIII")


class Base(NamedTuple):
    """What all inodes have: of the owners their places in the id table."""

    metadata: Metadata
    number: int
    uid_index: int
    gid_index: int
    mtime: int


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
    words = struct.pack(f"<{len(content.words)}I", *content.words) if content.words else b""
    is_extended = (
        links > 1 or xattr != NO_XATTR or content.sparse or max(content.size, content.start) > _MAX_BASIC
    )
    if not is_extended:
        metadata, number, uid_index, gid_index, mtime = base
        basic = _BASIC_FILE.pack(
            _FILE, metadata.mode, uid_index, gid_index, mtime, number, len(words), len(words),
            content.start, content.ends, content.offset, content.size,
        )  # fmt: skip
        return basic + words + b"\0"
    variant = _EXTENDED_FILE.pack(
        content.start, content.size, content.sparse, links, content.ends, content.offset, xattr
    )
    return _inode(_FILE + _EXTENDED, base, variant, words)


def special(base: Base, node: Node, links: int, xattr: int) -> bytes:
    """The inode of what is neither file nor directory. Raises FormatError."""
    target = node.target if isinstance(node, Symlink) else b""
    numbers = [links]
    if isinstance(node, Symlink):
        numbers.append(len(target))
    elif isinstance(node, DeviceNode):
        numbers.append(_device_number(node))
    is_extended = xattr != NO_XATTR
    if is_extended:
        numbers.append(xattr)
    variant = struct.pack(f"<{len(numbers)}I", *numbers)
    return _inode(_type(node) + (_EXTENDED if is_extended else 0), base, variant, target)


def finish_directory(inode: Any, base: Base, links: int) -> None:
    """Give a directory's inode, which the library made, what it does not know: among it the number of
    links, since it would count every entry.
    """
    content = inode.contents
    variant = content.variant.directory if content.base.type == _DIRECTORY else content.variant.ipc
    variant.nlink = links
    head = content.base
    head.mode, head.uid_idx, head.gid_idx = base.metadata.mode, base.uid_index, base.gid_index
    head.mod_time, head.inode_number = base.mtime, base.number


def clamp(time: int) -> int:
    """The nearest time that squashfs can hold."""
    return max(0, min(time, _MAX_TIME))


def _inode(kind: int, base: Base, variant: bytes, payload: bytes) -> bytes:
    metadata, size = base.metadata, len(payload)
    head = _HEAD.pack(
        kind, metadata.mode, base.uid_index, base.gid_index, base.mtime, base.number, size, size
    )
    # What follows the payload ends the target of a symbolic link.
    return head + variant.ljust(_VARIANT_BYTES, b"\0") + payload + b"\0"


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
