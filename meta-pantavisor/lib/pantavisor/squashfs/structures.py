# SPDX-License-Identifier: MIT
"""The structures of libsquashfs that are read or filled here, after the headers of version 1.2.0."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_int, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p


class ObjectBase(ctypes.Structure):
    """What every object of the library starts with."""

    _fields_ = [("destroy", ctypes.CFUNCTYPE(None, c_void_p)), ("copy", c_void_p)]


# int do_block(compressor, bytes in, size of them, place for bytes out, size of it)
BlockCall = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_uint32, c_void_p, c_uint32)


class SqfsFile(ctypes.Structure):
    """sqfs_file_t"""

    _fields_ = [
        ("base", ObjectBase),
        ("read_at", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, c_void_p, c_size_t, use_errno=True)),
        ("write_at", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, c_void_p, c_size_t, use_errno=True)),
        ("get_size", ctypes.CFUNCTYPE(c_uint64, c_void_p)),
        ("truncate", ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, use_errno=True)),
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


class Ipc(ctypes.Structure):
    """sqfs_inode_ipc_ext_t, whose beginning an extended directory's is."""

    _fields_ = [("nlink", c_uint32), ("xattr_idx", c_uint32)]


class Directory(ctypes.Structure):
    """The beginning of sqfs_inode_dir_t."""

    _fields_ = [("start_block", c_uint32), ("nlink", c_uint32)]


class InodeVariants(ctypes.Union):
    """The beginning of the union in sqfs_inode_generic_t, whose largest member gives it its alignment.

    In extended directories nlink comes first, as in ``ipc``.
    """

    _fields_ = [("ipc", Ipc), ("directory", Directory), ("largest", c_uint64 * 5)]


class Inode(ctypes.Structure):
    """sqfs_inode_generic_t, without what trails it."""

    _fields_ = [
        ("base", InodeBase),
        ("payload_bytes_available", c_uint32),
        ("payload_bytes_used", c_uint32),
        ("variant", InodeVariants),
    ]


InodePointer = POINTER(Inode)
