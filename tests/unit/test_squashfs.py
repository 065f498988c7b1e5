# SPDX-License-Identifier: MIT
"""Images written by libsquashfs: the same bytes every time, and nothing left after errors.

That the kernel reads what was written is tested in tests/integration.
"""

from __future__ import annotations

import ctypes
import lzma
import os
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest
from pantavisor import layers, squashfs
from pantavisor.errors import DigestError, FormatError, PantavisorError
from pantavisor.layers import Directory, Fifo, File, Tree
from pantavisor.layers.tree import Stored
from pantavisor.oci import Platform
from pantavisor.squashfs import PROFILES, Profile, bcj
from sim import tools
from sim.layers import layer, member
from sim.trees import META, odd_tree, small_tree

FAST = PROFILES["fast"]
SUPERBLOCK = struct.Struct("<4sIIIIHHHHHHQQQQQQQQ")


def superblock(path: Path) -> tuple[int, ...]:
    return SUPERBLOCK.unpack(path.read_bytes()[: SUPERBLOCK.size])


@pytest.mark.hostile
def test_the_same_tree_gives_the_same_bytes_for_any_number_of_threads(tmp_path: Path) -> None:
    for profile in (FAST, PROFILES["balanced"]):
        written = {
            squashfs.write(odd_tree(), tmp_path / "i", profile=profile, threads=n) for n in (1, 1, 2, 5)
        }
        assert len(written) == 1


def test_user_place_and_day_leave_no_trace(tmp_path: Path) -> None:
    nobody = tools.nobody()
    squashfs.write(small_tree(), tmp_path / "i", profile=FAST)
    code = (
        "import os, sys; os.umask(0o077)\n"
        "from test_squashfs import *\n"
        "squashfs.write(small_tree(), Path(sys.argv[1]), profile=FAST)"
    )
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    environment = {"PYTHONPATH": path, "TZ": "Asia/Tokyo", "LANG": "C"}
    with tools.open_folder() as other:
        words = [*nobody, sys.executable, "-B", "-c", code, str(other / "some where")]
        done = subprocess.run(words, cwd=other, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (other / "some where").read_bytes() == (tmp_path / "i").read_bytes()


def test_unsquashfs_lists_what_was_written(tmp_path: Path) -> None:
    program = tools.need("unsquashfs", package="squashfs-tools")
    squashfs.write(odd_tree(), tmp_path / "i", profile=FAST)
    lines = tools.run(program, "-lln", tmp_path / "i").splitlines()
    assert len([line for line in lines if "squashfs-root" in line]) == 1 + sum(1 for _ in odd_tree().walk())
    assert any(line.startswith("-rw-r--r-- 70000/4000000000") and line.endswith("/hard1") for line in lines)
    assert tools.run(program, "-cat", tmp_path / "i", "d/hard2") == "hello"


def test_what_was_written_is_reported(tmp_path: Path) -> None:
    written = squashfs.write(small_tree(), tmp_path / "i", profile=FAST)
    assert written.size == (tmp_path / "i").stat().st_size and written.size % 4096 == 0
    assert str(written.packing).startswith("zstd level 3, libzstd 1.")
    assert (tmp_path / "i").stat().st_mode & 0o777 == 0o644


def test_the_image_has_the_time_given(tmp_path: Path) -> None:
    squashfs.write(small_tree(), tmp_path / "i", profile=FAST, mtime=1000)
    assert superblock(tmp_path / "i")[2] == 1000


@pytest.mark.parametrize(("newest", "wanted"), [(1234, 1234), (2**40, 2**32 - 1), (-5, 0)])
def test_without_a_time_given_it_is_that_of_the_newest_file(
    tmp_path: Path, newest: int, wanted: int
) -> None:
    meta = META._replace(mtime=newest)
    squashfs.write(Tree(Directory(meta, {b"f": File(meta, 0, b"")})), tmp_path / "i", profile=FAST)
    assert superblock(tmp_path / "i")[2] == wanted


def test_extended_attributes_without_a_place_are_dropped_and_reported(tmp_path: Path) -> None:
    meta = META._replace(xattrs=((b"system.posix_acl_access", b"\2\0\0\0"), (b"user.a", b"1")))
    written = squashfs.write(
        Tree(Directory(META, {b"f": File(meta, 0, b"")})), tmp_path / "i", profile=FAST
    )
    assert written.dropped_xattrs == ("system.posix_acl_access",)


@pytest.mark.parametrize("size", [0, 1000, 2048, 200_000, 2 * 1024 * 1024])
def test_block_sizes_that_squashfs_does_not_know_are_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(FormatError, match="block size"):
        squashfs.write(small_tree(), tmp_path / "i", profile=FAST, block_size=size)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
def test_blocks_are_as_large_as_the_profile_has_them(tmp_path: Path, profile: Profile) -> None:
    written = squashfs.write(small_tree(), tmp_path / "i", profile=profile)
    assert superblock(tmp_path / "i")[3] == profile.block_bytes == written.packing.block_bytes
    written = squashfs.write(small_tree(), tmp_path / "i", profile=profile, block_size=4096)
    assert superblock(tmp_path / "i")[3] == 4096 == written.packing.block_bytes


def test_profiles_and_levels_are_checked() -> None:
    with pytest.raises(FormatError, match='use "balanced"'):
        squashfs.profile("balance", None)
    with pytest.raises(FormatError, match="levels 1 to 22"):
        Profile("x", "zstd", 23)
    with pytest.raises(FormatError, match="no level"):
        Profile("x", "lz4", 3)
    with pytest.raises(FormatError, match="unknown squashfs codec"):
        Profile("x", "brotli", 3)
    with pytest.raises(FormatError, match="a level is a number"):
        squashfs.profile("zstd:-1", None)
    with pytest.raises(FormatError, match="levels 0 to 9"):
        squashfs.profile("xz:" + "9" * 10_000, None)
    assert squashfs.profile("zstd:19", None) == Profile("zstd:19", "zstd", 19)
    assert str(squashfs.profile("lz4", None)) == "lz4"
    assert str(squashfs.profile("small", Platform.parse("linux/amd64"))) == "xz level 6 with filter x86"
    assert str(squashfs.profile("small", Platform.parse("linux/arm64"))) == "xz level 6"
    filters = {
        "linux/arm/v7": "armthumb",
        "linux/arm": "armthumb",
        "linux/arm/v6": "arm",
        "linux/ppc64le": "powerpc",
    }
    for platform, branch_filter in filters.items():
        assert squashfs.profile("small", Platform.parse(platform)).branch_filter == branch_filter
    with pytest.raises(FormatError, match="zstd has no branch filter x86"):
        Profile("x", "zstd", 3, "x86")
    with pytest.raises(FormatError, match="xz has no branch filter sparc"):
        Profile("x", "xz", 3, "sparc")
    assert str(squashfs.profile("fast", Platform.parse("linux/arm/v7"))) == "zstd level 3"


def test_levels_differ_in_what_they_do(tmp_path: Path) -> None:
    words = " ".join(str(n * n % 7919) for n in range(200_000)).encode()
    tree = Tree(Directory(META, {b"f": File(META, len(words), words)}))
    sizes = [
        squashfs.write(tree, tmp_path / "i", profile=Profile("x", "xz", level)).size for level in (0, 3, 6)
    ]
    assert sizes[0] > sizes[2] and len(set(sizes)) > 1


def one_block(path: Path, content: bytes, profile: Profile) -> bytes:
    """An image of one file, from its first block on."""
    squashfs.write(Tree(Directory(META, {b"f": File(META, len(content), content)})), path, profile=profile)
    image = path.read_bytes()
    return image[image.index(b"\xfd7zXZ\0") :]


def machine_code() -> bytes:
    """The first program here of a whole block."""
    program = max(Path("/usr/bin").glob("perl*"), key=lambda path: path.stat().st_size)
    return program.read_bytes()[512 * 1024 : 512 * 1024 + squashfs.BLOCK_BYTES]


def filters_of(stream: bytes) -> list[int]:
    """The filters in the first block header of an xz stream (The .xz File Format, 3.1)."""
    flags, place, found = stream[13], 14, []

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = stream[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    for present in (flags & 0x40, flags & 0x80):
        if present:
            number()
    for _ in range((flags & 3) + 1):
        found.append(number())
        size = number()
        place += size
    return found


@pytest.mark.parametrize(
    ("branch_filter", "number"),
    [("x86", lzma.FILTER_X86), ("powerpc", lzma.FILTER_POWERPC), ("arm", lzma.FILTER_ARM),
     ("armthumb", lzma.FILTER_ARMTHUMB)],
)  # fmt: skip
def test_a_branch_filter_is_the_one_asked_for(tmp_path: Path, branch_filter: str, number: int) -> None:
    content = machine_code()
    block = one_block(tmp_path / "i", content, Profile("x", "xz", 6, branch_filter))
    plain = one_block(tmp_path / "i", content, Profile("x", "xz", 6))
    assert all(
        lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(stream) == content for stream in (block, plain)
    )
    assert filters_of(block) == [number, lzma.FILTER_LZMA2] and filters_of(plain) == [lzma.FILTER_LZMA2]


def test_a_library_without_its_own_xz_names_a_profile_that_needs_none() -> None:
    with pytest.raises(PantavisorError, match="does not export its xz(.|\n)*xz:6"):
        bcj.block_call(ctypes.CDLL("libc.so.6"), "x86", level=6, dictionary=squashfs.BLOCK_BYTES)


@pytest.mark.hostile
def test_a_branch_filter_makes_the_same_bytes_with_any_number_of_threads(tmp_path: Path) -> None:
    code = machine_code()
    files = {b"%d" % number: code[number:] + os.urandom(50_000) for number in range(8)}
    tree = Tree(
        Directory(META, {name: File(META, len(content), content) for name, content in files.items()})
    )
    small = squashfs.profile("small", Platform.parse("linux/amd64"))
    assert len({squashfs.write(tree, tmp_path / "i", profile=small, threads=n) for n in (1, 1, 2, 5)}) == 1
    found = {
        path: b"".join(chunk[a:b] for chunk, a, b in spans) for path, spans in contents(tmp_path / "i")
    }
    assert found == files


def contents(image: Path) -> Iterator[tuple[bytes, Iterator[tuple[bytes, int, int]]]]:
    tree = squashfs.read(image)
    names = {id(node): path for path, node in tree.walk()}
    for file, spans in tree.contents():
        yield names[id(file)], spans


def with_checksum(content: bytes, checksum: int) -> bytes:
    """``content`` and four bytes more, which together have the CRC-32 ``checksum``."""
    # What one byte more changes of a CRC, and the byte of each such change by its highest bits.
    changes = [zlib.crc32(bytes([byte]), 0xFFFFFFFF) ^ 0xFFFFFFFF for byte in range(256)]
    by_top = {change >> 24: byte for byte, change in enumerate(changes)}
    state, wanted = zlib.crc32(content) ^ 0xFFFFFFFF, checksum ^ 0xFFFFFFFF
    steps = []
    for _ in range(4):
        steps.append(by_top[wanted >> 24])
        wanted = (wanted ^ changes[steps[-1]]) << 8 | steps[-1]
    for byte in (wanted ^ state).to_bytes(4, "little"):
        content += bytes([byte])
    return content


def test_blocks_with_one_checksum_are_told_apart_and_equal_ones_are_stored_once(tmp_path: Path) -> None:
    one, third = os.urandom(4096), os.urandom(4096)
    other, more = (with_checksum(os.urandom(4092), zlib.crc32(one)) for _ in range(2))
    assert len({zlib.crc32(block) for block in (one, other, more)}) == 1 and len({one, other, more}) == 3
    files = {b"1": one, b"2": other, b"3": one, b"4": third + other, b"5": more, b"6": other, b"7": one}
    nodes = {name: File(META, len(content), content) for name, content in files.items()}
    tree = Tree(Directory(META, nodes))
    squashfs.write(tree, tmp_path / "i", profile=FAST, block_size=4096)
    found = {
        path: b"".join(chunk[a:b] for chunk, a, b in spans) for path, spans in contents(tmp_path / "i")
    }
    assert found == files
    image = (tmp_path / "i").read_bytes()
    assert [image.count(block) for block in (one, other, more)] == [1, 2, 1]


class FewThreads:
    """Lets the first ``count`` threads start."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        start = threading.Thread.start

        def started(thread: threading.Thread) -> None:
            nonlocal count
            if not count:
                raise RuntimeError("can't start new thread")
            count -= 1
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", started)


def test_fewer_threads_than_asked_for_do_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squashfs.write(small_tree(), tmp_path / "i", profile=FAST)
    before = threading.active_count()
    FewThreads(monkeypatch, 2)
    squashfs.write(small_tree(), tmp_path / "few", profile=FAST, threads=5)
    assert (tmp_path / "few").read_bytes() == (tmp_path / "i").read_bytes()
    assert threading.active_count() == before


def test_without_a_thread_layers_are_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = [layer(member("a", content=b"a"), member("b/c", content=b"c" * 999_999))]
    names = [path for path, _ in layers.flatten(blobs).walk()]
    FewThreads(monkeypatch, 0)
    assert [path for path, _ in layers.flatten(blobs).walk()] == names


def test_where_no_thread_can_be_started_the_error_names_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FewThreads(monkeypatch, 0)
    with pytest.raises(PantavisorError, match="no thread can be started") as caught:
        squashfs.write(small_tree(), tmp_path / "i", profile=FAST, threads=2)
    assert "ulimit" in str(caught.value.hint) and list(tmp_path.iterdir()) == []


def test_a_missing_library_names_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(PantavisorError, match="apt install libsquashfs1"):
        squashfs.write(small_tree(), tmp_path / "i", profile=FAST, library="/no/such/libsquashfs.so")
    with pytest.raises(PantavisorError, match="cannot load the squashfs library libc.so.6"):
        squashfs.write(small_tree(), tmp_path / "i", profile=FAST, library="libc.so.6")
    assert list(tmp_path.iterdir()) == []


class Failing:
    """A source that gives half of what it should, and then an error."""

    def contents(self, files: object) -> Iterator[tuple[File, Iterator[layers.tree.Span]]]:
        for file in files:  # type: ignore[attr-defined]
            yield file, self._spans()

    def _spans(self) -> Iterator[layers.tree.Span]:
        yield b"x" * 300_000, 0, 300_000
        raise DigestError("the layer is not what it was")


@pytest.mark.parametrize("old", [None, b"what was there before"])
def test_after_an_error_nothing_is_left_and_the_old_file_stays(
    tmp_path: Path, old: Optional[bytes]
) -> None:
    if old is not None:
        (tmp_path / "i").write_bytes(old)
    tree = Tree(Directory(META, {b"f": File(META, 600_000, Stored(0, 0))}), [Failing()])
    with pytest.raises(DigestError, match="not what it was"):
        squashfs.write(tree, tmp_path / "i", profile=FAST)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if old is None else [old])


@pytest.mark.hostile
def test_more_owners_than_squashfs_can_hold_are_refused(tmp_path: Path) -> None:
    files = {b"%d" % n: Fifo(META._replace(uid=2 * n, gid=2 * n + 1)) for n in range(32_768)}
    with pytest.raises(FormatError, match="65536 different users and groups"):
        squashfs.write(Tree(Directory(META, files)), tmp_path / "i", profile=FAST)
    assert list(tmp_path.iterdir()) == []
