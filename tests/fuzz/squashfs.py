# SPDX-License-Identifier: MIT
"""The reader of squashfs images: a tree with all of its contents.

The first byte of an input decides what happens to the image behind it: 0 nothing; 1 its packed metadata is
left alone, but numbers of its superblock that would end the reading at once are put right.
"""

from __future__ import annotations

import struct

from pantavisor import squashfs
from pantavisor.errors import PantavisorError
from pantavisor.layers import Directory, File, Limits, Metadata, Symlink, Tree

from .target import scratch

WORDS = ("hsqs", "user.", "\x00" * 4, "\x00\x00")
LIMITS = Limits(total_bytes=2**22, entries=2000, metadata_bytes=2**20, xattr_bytes=2**16)


def one_input(content: bytes) -> None:
    if not content:
        return
    image = bytearray(content[1:])
    if content[0] % 2 and len(image) >= 96:
        _fix_checksums(image)
    with scratch() as folder:
        (folder / "image").write_bytes(image)
        try:
            tree = squashfs.read(folder / "image", LIMITS)
            for _ in tree.walk():
                pass
            for file, spans in tree.contents():
                assert file.size == sum(end - start for _, start, end in spans)
        except PantavisorError:
            pass


def _fix_checksums(image: bytearray) -> None:
    log = 12 + image[22] % 9
    struct.pack_into("<I", image, 0, 0x73717368)
    struct.pack_into("<I", image, 12, 1 << log)
    struct.pack_into("<HH", image, 20, (1, 4, 6)[image[20] % 3], log)
    struct.pack_into("<HH", image, 28, 4, 0)
    struct.pack_into("<Q", image, 40, min(len(image), struct.unpack_from("<Q", image, 40)[0]))


def seeds() -> dict[str, bytes]:
    images: dict[str, bytes] = {}
    with scratch() as folder:
        meta = Metadata(0o644, 5, 7, 1_700_000_000, ((b"user.a", b"b" * 30),))
        names = {
            b"f": File(meta, 5000, b"some words " * 454 + b"abcdef"),
            b"l": Symlink(meta, b"f"),
            b"d": Directory(meta, {}),
        }
        for name in ("fast", "balanced"):
            squashfs.write(Tree(Directory(meta, names)), folder / name, profile=squashfs.PROFILES[name])
            images.update(
                {f"{name}{kind}": bytes([kind]) + (folder / name).read_bytes() for kind in (0, 1)}
            )
    return images
