# SPDX-License-Identifier: MIT
"""Trees built by hand."""

from __future__ import annotations

import random

from pantavisor.layers import DeviceNode, Directory, Fifo, File, Metadata, Node, Socket, Symlink, Tree

META = Metadata(0o644, 0, 0, 1_700_000_000)
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


def folder(mode: int = 0o755, uid: int = 0, gid: int = 0, **entries: Node) -> Directory:
    return Directory(Metadata(mode, uid, gid, 0), {name.encode(): node for name, node in entries.items()})


def odd_tree() -> Tree:
    """A tree with something of everything."""
    noise = random.Random(1).randbytes(700_000)
    shared = File(META._replace(uid=70_000, gid=4_000_000_000), 5, b"hello")
    with_xattrs = META._replace(
        xattrs=((b"security.capability", CAPABILITY), (b"trusted.t", b""), (b"user.long", b"v" * 3000)),
        mode=0o4755,
    )
    devices: dict[bytes, Node] = {
        b"block": DeviceNode(META, True, 4095, 1_048_575),
        b"char": DeviceNode(META, False, 5, 1),
        b"pipe": Fifo(META),
        b"xpipe": Fifo(with_xattrs._replace(xattrs=((b"trusted.t", b"p"),))),
        b"socket": Socket(META._replace(mode=0o777)),
        b"xsocket": Socket(META._replace(xattrs=((b"trusted.t", b"s"),))),
        b"xchar": DeviceNode(META._replace(xattrs=((b"trusted.t", b"c"),)), False, 1, 300),
    }
    entries: dict[bytes, Node] = {
        b"dev": Directory(META._replace(mode=0o1777), devices),
        b"empty": File(META, 0, b""),
        b"hard1": shared,
        b"d": Directory(with_xattrs._replace(mode=0o2750), {b"hard2": shared, b"sub": Directory(META, {})}),
        b"many": Directory(META, {b"entry %05d" % n: File(META, 1, b"%d" % (n % 10)) for n in range(700)}),
        b"noise": File(with_xattrs, len(noise), noise),
        b"same noise": File(META, len(noise), noise),
        b"zeros": File(META, 1_000_000, bytes(1_000_000)),
        b"holes": File(META, 500_003, b"a" + bytes(500_000) + b"xy"),
        b"exact": File(META, 262_144, bytes(range(256)) * 1024),
        b"link": Symlink(META._replace(mode=0o777), b"../" * 300),
        b"xlink": Symlink(META._replace(mode=0o777, xattrs=((b"trusted.t", b"l"),)), b"x"),
        b"\xff\xfe name": File(META, 1, b"n"),
        b"n" * 255: File(META, 1, b"l"),
    }
    entries[b"hard link of a link"] = entries[b"link"]
    return Tree(Directory(META._replace(mode=0o755, mtime=7), entries))


def small_tree() -> Tree:
    return Tree(Directory(META, {b"f": File(META, 3, b"abc"), b"z": File(META, 9, b"some text")}))
