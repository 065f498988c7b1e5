# SPDX-License-Identifier: MIT
"""The structures of libsquashfs that are read or filled here, after the headers of version 1.2.0."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p


class ObjectBase(ctypes.Structure):
    """What every object of the library starts with."""

    _fields_ = [("destroy", ctypes.CFUNCTYPE(None, c_void_p)), ("copy", c_void_p)]


# int do_block(compressor, bytes in, size of them, place for bytes out, size of it)
BlockCall = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_uint32, c_void_p, c_uint32)


class SqfsFile(ctypes.Structure):
    """sqfs_file_t"""

    _fields_ = [
        ("base", ObjectBase),
        ("read_at", c_void_p),
        ("write_at", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, c_char_p, c_size_t, use_errno=True)),
        ("get_size", ctypes.CFUNCTYPE(c_uint64, c_void_p)),
        ("truncate", c_void_p),
    ]


class Compressor(ctypes.Structure):
    """sqfs_compressor_t"""

    _fields_ = [
        ("base", ObjectBase),
        ("get_configuration", c_void_p),
        ("write_options", ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, use_errno=True)),
        ("read_options", c_void_p),
        ("do_block", BlockCall),
    ]


class CompressorConfig(ctypes.Structure):
    """sqfs_compressor_config_t; ``options`` is a union that sqfs_compressor_config_init fills."""

    _fields_ = [
        ("id", c_uint16),
        ("flags", c_uint16),
        ("block_size", c_uint32),
        ("level", c_uint32),
        ("options", c_uint64 * 2),
    ]


class ProcessorDescription(ctypes.Structure):
    """sqfs_block_processor_desc_t"""

    _fields_ = [
        ("size", c_uint32),
        ("max_block_size", c_uint32),
        ("num_workers", c_uint32),
        ("max_backlog", c_uint32),
        ("cmp", c_void_p),
        ("wr", c_void_p),
        ("tbl", c_void_p),
        ("file", c_void_p),
        ("uncmp", c_void_p),
    ]


class Super(ctypes.Structure):
    """sqfs_super_t"""

    _fields_ = [
        ("magic", c_uint32),
        ("inode_count", c_uint32),
        ("modification_time", c_uint32),
        ("block_size", c_uint32),
        ("fragment_entry_count", c_uint32),
        ("compression_id", c_uint16),
        ("block_log", c_uint16),
        ("flags", c_uint16),
        ("id_count", c_uint16),
        ("version_major", c_uint16),
        ("version_minor", c_uint16),
        ("root_inode_ref", c_uint64),
        ("bytes_used", c_uint64),
        ("id_table_start", c_uint64),
        ("xattr_id_table_start", c_uint64),
        ("inode_table_start", c_uint64),
        ("directory_table_start", c_uint64),
        ("fragment_table_start", c_uint64),
        ("export_table_start", c_uint64),
    ]


class InodeBase(ctypes.Structure):
    """sqfs_inode_t"""

    _fields_ = [
        ("type", c_uint16),
        ("mode", c_uint16),
        ("uid_idx", c_uint16),
        ("gid_idx", c_uint16),
        ("mod_time", c_uint32),
        ("inode_number", c_uint32),
    ]


class Device(ctypes.Structure):
    """sqfs_inode_dev_ext_t; the basic form is its beginning, as with the next two."""

    _fields_ = [("nlink", c_uint32), ("devno", c_uint32), ("xattr_idx", c_uint32)]


class Ipc(ctypes.Structure):
    """sqfs_inode_ipc_ext_t"""

    _fields_ = [("nlink", c_uint32), ("xattr_idx", c_uint32)]


class Symlink(ctypes.Structure):
    """sqfs_inode_slink_ext_t"""

    _fields_ = [("nlink", c_uint32), ("target_size", c_uint32), ("xattr_idx", c_uint32)]


class ExtendedFile(ctypes.Structure):
    """sqfs_inode_file_ext_t"""

    _fields_ = [
        ("blocks_start", c_uint64),
        ("file_size", c_uint64),
        ("sparse", c_uint64),
        ("nlink", c_uint32),
        ("fragment_idx", c_uint32),
        ("fragment_offset", c_uint32),
        ("xattr_idx", c_uint32),
    ]


class Directory(ctypes.Structure):
    """The beginning of sqfs_inode_dir_t."""

    _fields_ = [("start_block", c_uint32), ("nlink", c_uint32)]


class InodeVariants(ctypes.Union):
    """The union in sqfs_inode_generic_t. The extended file is its largest member and gives it its
    alignment.

    In extended directories nlink comes first, as in ``ipc``.
    """

    _fields_ = [
        ("device", Device),
        ("ipc", Ipc),
        ("symlink", Symlink),
        ("directory", Directory),
        ("extended_file", ExtendedFile),
    ]


class Inode(ctypes.Structure):
    """sqfs_inode_generic_t, without what trails it."""

    _fields_ = [
        ("base", InodeBase),
        ("payload_bytes_available", c_uint32),
        ("payload_bytes_used", c_uint32),
        ("variant", InodeVariants),
    ]


InodePointer = POINTER(Inode)
