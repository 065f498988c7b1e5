# SPDX-License-Identifier: MIT
"""Tar members: every form of header that layers come in, and headers that lie."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import layers
from pantavisor.errors import FormatError, LimitError
from pantavisor.layers import DeviceNode, Directory, Fifo, File, Limits, Symlink, Tree
from pantavisor.tar.numbers import number, seconds
from sim import listing, tools
from sim.layers import member, tar, with_checksums


def read(archive: bytes, limits: Optional[Limits] = None) -> Tree:
    return layers.from_tar(lambda: io.BytesIO(archive), limits or Limits())


def content(tree: Tree, path: str) -> bytes:
    node = tree.find(path)
    return next(b"".join(c[s:e] for c, s, e in spans) for file, spans in tree.contents() if file is node)


def raw(
    name: bytes = b"x",
    *,
    kind: bytes = b"0",
    size: bytes = b"00000000000\0",
    fields: Optional[dict[int, bytes]] = None,
    magic: bytes = b"ustar\x0000",
) -> bytes:
    """One header block; ``fields`` overwrites bytes at an offset before the checksum is made."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:136] = b"0000644\0" * 3 + size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257:265] = magic
    for offset, value in (fields or {}).items():
        block[offset : offset + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax(records: bytes, following: bytes, *, kind: bytes = b"x") -> bytes:
    return (
        raw(b"pax", kind=kind, size=b"%011o\0" % len(records))
        + records
        + bytes(-len(records) % 512)
        + following
    )


def record(keyword: bytes, value: bytes) -> bytes:
    body = b" " + keyword + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length += 1
    return b"%d" % length + body


END = bytes(1024)


def test_every_kind_of_member_arrives_with_its_metadata() -> None:
    tree = read(
        tar(
            [
                member("d", "dir", mode=0o1777, mtime=5),
                member("d/f", content=b"hello", mode=0o4755, owner=(7, 8), mtime=9),
                member("s", "link", target="d/../x"),
                member("c", "chr", device=(5, 1)),
                member("b", "blk", device=(4095, 1048575)),
                member("p", "fifo", mode=0o600),
                member("h", "hard", target="d/f"),
            ]
        )
    )
    found = {path: node for path, node in tree.walk()}
    assert isinstance(found[b"d"], Directory) and found[b"d"].metadata == (0o1777, 0, 0, 5, ())
    assert isinstance(found[b"d/f"], File) and found[b"d/f"].metadata == (0o4755, 7, 8, 9, ())
    assert (
        isinstance(found[b"s"], Symlink)
        and found[b"s"].target == b"d/../x"
        and found[b"s"].metadata.mode == 0o777
    )
    assert isinstance(found[b"c"], DeviceNode) and (found[b"c"].major, found[b"c"].minor) == (5, 1)
    assert isinstance(found[b"b"], DeviceNode) and found[b"b"].is_block and found[b"b"].minor == 1048575
    assert isinstance(found[b"p"], Fifo) and found[b"h"] is found[b"d/f"]
    assert content(tree, "h") == b"hello"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_standard_librarys_formats_are_read(form: int) -> None:
    name = "/".join(["directory-of-some-length"] * 5) + "/file"
    tree = read(tar([member(name, content=b"x" * 1000, owner=(1000, 2000))], form=form))
    assert content(tree, name) == b"x" * 1000
    node = tree.find(name)
    assert node is not None and node.metadata.gid == 2000


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_targets_and_large_numbers_are_read(form: int) -> None:
    name, target = "n" * 200 + "/" + "m" * 255, "t/" * 300
    made = [member(name, "link", target=target, owner=(3_000_000, 4_294_967_295), mtime=2**35)]
    node = read(tar(made, form=form)).find("n" * 200)
    assert isinstance(node, Directory)
    link = node.entries[b"m" * 255]
    assert isinstance(link, Symlink) and link.target == target.encode()
    assert link.metadata[1:4] == (3_000_000, 4_294_967_295, 2**35)


def test_times_are_rounded_down_and_may_lie_before_1970() -> None:
    tree = read(tar([member("a", pax={"mtime": "-1.5"}), member("b", pax={"mtime": "12.999"})]))
    assert [node.metadata.mtime for _, node in tree.walk()] == [-2, 12]
    assert [seconds(text) for text in (b"-0", b"-1.000", b"0.9", b"7.")] == [0, -1, 0, 7]


def test_names_are_bytes() -> None:
    tree = read(tar([member("\udcff\udcfe"), member("ü")]))
    assert [path for path, _ in tree.walk()] == [b"\xc3\xbc", b"\xff\xfe"]


def test_leading_slashes_and_dots_mean_nothing() -> None:
    tree = read(raw(b"/a/./b//c") + raw(b"./d") + raw(b"./", kind=b"5", fields={100: b"0000700\0"}) + END)
    assert [path for path, _ in tree.walk()] == [b"a", b"a/b", b"a/b/c", b"d"]
    assert tree.root.metadata.mode == 0o700


@pytest.mark.parametrize(
    ("name", "path"),
    [(b"a/../b", b"b"), (b"/../x", b"x"), (b"/a/../../b/c", b"b/c"), (b"a/b/../../d/", b"d")],
)
def test_dots_within_a_name_are_taken_as_text(name: bytes, path: bytes) -> None:
    """As Go's filepath.Clean, by which docker and umoci go, whatever links are there."""
    assert path in dict(read(raw(name, kind=b"5") + END).walk())
    link = raw(b"a", kind=b"2", fields={157: b"/elsewhere"})
    assert path in dict(read(link + raw(name, kind=b"5") + END).walk())


@pytest.mark.parametrize("padding", [0, 100, 507, 507 + 512])
def test_an_archive_may_end_with_its_last_byte(padding: int) -> None:
    archive = raw(b"f", size=b"00000000005\0") + b"hello" + bytes(padding)
    assert content(read(archive), "f") == b"hello"
    with pytest.raises(FormatError, match="ends in the middle"):
        read(archive[:516])


@pytest.mark.parametrize("archive", [pax(record(b"path", b"a"), b""), raw(b"x", kind=b"L")])
def test_a_header_of_nothing_at_the_end_is_passed_over(archive: bytes) -> None:
    assert list(read(raw(b"f") + archive + END).walk())[0][0] == b"f"


def test_nobody_may_be_a_negative_number() -> None:
    header = raw(b"b", fields={108: b"\xff" * 7 + b"\xfe"})
    tree = read(pax(record(b"uid", b"-2") + record(b"gid", b"-2"), raw(b"a")) + header + END)
    assert [node.metadata.uid for _, node in tree.walk()] == [2**32 - 2] * 2
    for field in (b"\xff" * 8, b"\x80" + (2**32).to_bytes(7, "big")):
        with pytest.raises(FormatError, match="impossible owner"):
            read(raw(b"a", fields={108: field}) + END)


def test_libarchive_s_attributes_that_are_not_base64_are_passed_over() -> None:
    archive = (
        pax(record(b"LIBARCHIVE.xattr.user.a", b"*") + record(b"SCHILY.xattr.user.a", b"1"), raw(b"f"))
        + END
    )
    assert read(archive).root.entries[b"f"].metadata.xattrs == ((b"user.a", b"1"),)


@pytest.mark.parametrize("name", [b"..", b"../x", b"a/../../b", b"./../x"])
@pytest.mark.parametrize("kind", [b"0", b"5", b"2"])
def test_a_name_that_climbs_is_refused(name: bytes, kind: bytes) -> None:
    with pytest.raises(FormatError, match="leads out of the root"):
        read(raw(name, kind=kind, fields={157: b"t"}) + END)


def test_a_hard_link_that_climbs_is_refused() -> None:
    with pytest.raises(FormatError, match="leads out of the root"):
        read(raw(b"x", kind=b"1", fields={157: b"../../etc/shadow"}) + END)


def test_a_gnu_header_has_no_prefix_and_star_has_a_short_one() -> None:
    gnu = raw(b"g", magic=b"ustar  \0", fields={345: b"00000000000\0"})
    posix = raw(b"p", fields={345: b"pre"})
    star = raw(b"s", fields={345: b"pre", 476: b"00000000000\0", 508: b"tar\0"})
    assert [path for path, _ in read(gnu + posix + star + END).walk()] == [b"g", b"pre", b"pre/p", b"pre/s"]


def test_a_file_before_posix_whose_name_ends_in_a_slash_is_a_directory() -> None:
    assert isinstance(read(raw(b"d/", kind=b"\0", magic=bytes(8)) + END).find("d"), Directory)


def test_links_and_directories_have_no_content_whatever_their_size() -> None:
    claims = b"00000001000\0"
    archive = (
        raw(b"a")
        + raw(b"h", kind=b"1", size=claims, fields={157: b"a"})
        + raw(b"d", kind=b"5", size=claims)
    )
    assert [path for path, _ in read(archive + raw(b"z") + END).walk()] == [b"a", b"d", b"h", b"z"]


def test_global_records_hold_until_they_are_taken_back() -> None:
    archive = pax(record(b"uid", b"42") + record(b"comment", b"x"), raw(b"a"), kind=b"g")
    archive += (
        pax(record(b"uid", b"43"), raw(b"b")) + raw(b"c") + pax(record(b"uid", b""), raw(b"d"), kind=b"g")
    )
    tree = read(archive + END)
    assert [node.metadata.uid for _, node in tree.walk()] == [42, 43, 42, 0o644]


def test_extended_attributes_of_both_spellings_are_read() -> None:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    records = record(b"SCHILY.xattr.security.capability", capability) + record(
        b"SCHILY.xattr.user.a", b"=\n\0"
    )
    records += record(b"SCHILY.xattr.user.none", b"")  # nothing said is nothing had, as in Go's archive/tar
    records += record(b"LIBARCHIVE.xattr.user.%41%3d", b"YQ") + record(b"LIBARCHIVE.xattr.user.a", b"bm90")
    node = read(pax(records, raw(b"x")) + END).find("x")
    assert node is not None
    assert node.metadata.xattrs == (
        (b"security.capability", capability),
        (b"user.A=", b"a"),
        (b"user.a", b"=\n\0"),
    )


def test_the_highest_number_in_base_256_is_read() -> None:
    assert number(b"\x80" + (2**62).to_bytes(11, "big")) == 2**62
    assert number(b"\xff" * 12) == -1
    assert number(b"\x80" + bytes(7)) == 0
    assert number(b"        ") == 0 and number(b" 17 \0jun") == 0o17


def sparse_0_1(name: bytes = b"data") -> bytes:
    records = record(b"GNU.sparse.size", b"3000") + record(b"GNU.sparse.map", b"100,3,2000,2,3000,0")
    return pax(
        records + record(b"GNU.sparse.name", b"s"), raw(name, size=b"%011o\0" % 5) + b"abcde" + bytes(507)
    )


WANTED = bytes(100) + b"abc" + bytes(1897) + b"de" + bytes(998)


def test_sparse_files_of_every_form_are_filled_up() -> None:
    zero = record(b"GNU.sparse.size", b"3000") + record(b"GNU.sparse.numblocks", b"2")
    zero += b"".join(
        record(b"GNU.sparse.offset", at) + record(b"GNU.sparse.numbytes", size)
        for at, size in ((b"100", b"3"), (b"2000", b"2"))
    )
    one = record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0")
    one += record(b"GNU.sparse.name", b"s") + record(b"GNU.sparse.realsize", b"3000")
    table = b"2\n100\n3\n2000\n2\n".ljust(512, b"\0")
    stored = b"abcde" + bytes(507)
    five = b"%011o\0" % 5
    old = raw(
        b"s",
        kind=b"S",
        size=five,
        magic=b"ustar  \0",
        fields={386: b"%011o\0" % 100 + b"%011o\0" % 3, 482: b"\1", 483: b"%011o\0" % 3000},
    ) + (b"%011o\0" % 2000 + b"%011o\0" % 2 + b"%011o\0" % 3000 + b"%011o\0" % 0).ljust(512, b"\0")
    archives = [
        sparse_0_1(),
        pax(zero, raw(b"s", size=five) + stored),
        pax(one, raw(b"GNUSparseFile.1/s", size=b"%011o\0" % (512 + 5)) + table + stored),
        old + stored,
    ]
    for archive in archives:
        tree = read(archive + raw(b"after") + END)
        assert content(tree, "s") == WANTED
        assert [path for path, _ in tree.walk()] == [b"after", b"s"]


@pytest.mark.parametrize("form", ["gnu", "0.0", "0.1", "1.0"])
def test_sparse_files_that_gnu_tar_wrote_are_read(tmp_path: Path, form: str) -> None:
    program = tools.need("tar", package="tar")
    with open(tmp_path / "f", "wb") as stream:
        for place in range(0, 60):
            stream.seek(place * 70_000)
            stream.write(b"piece %d" % place)
        stream.truncate(5_000_000)
    words = ["--format=gnu"] if form == "gnu" else ["--format=pax", f"--sparse-version={form}"]
    tools.run(program, "-S", *words, "-C", tmp_path, "-cf", tmp_path / "t", "f")
    tree = read((tmp_path / "t").read_bytes())
    assert (tmp_path / "t").stat().st_size < 1_000_000
    assert content(tree, "f") == (tmp_path / "f").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        b"100,3,50,2",
        b"0,2,1,3",
        b"100,6",
        b"100,3",
        b"2999,5",
        b"1,2,3",
        b"a,b",
        b"-1,5",
        b"1,5 ",
        b"9" * 25 + b",5",
    ],
)
def test_a_sparse_map_that_does_not_fit_is_refused(text: bytes) -> None:
    records = record(b"GNU.sparse.size", b"3000") + record(b"GNU.sparse.map", text)
    with pytest.raises(FormatError):
        read(pax(records, raw(b"s", size=b"%011o\0" % 5) + b"abcde" + bytes(507)) + END)


def test_a_sparse_bomb_is_refused() -> None:
    records = record(b"GNU.sparse.size", b"%d" % 2**60) + record(b"GNU.sparse.map", b"")
    with pytest.raises(LimitError, match="bytes unpacked"):
        read(pax(records, raw(b"s")) + END)


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (b"\1" * 512, "where a number belongs|checksum"),
        (raw(b"x")[:-1] + b"\1" + END, "checksum"),
        (raw(size=b"00000001000\0"), "ends in the middle"),
        (raw(size=b"00000001000\0") + bytes(511), "ends in the middle"),
        (raw() + b"short", "ends in the middle"),
        (raw(size=b"\xff" * 12) + END, "negative size"),
        (raw(size=b"\x80" + b"\x7f" * 11) + END, "bytes unpacked|ends in the middle"),
        (raw(size=b"0000000009\0\0") + END, "where a number belongs"),
        (raw(kind=b"L", size=b"\xff" * 12) + END, "negative size"),
        (raw(kind=b"Z") + END, "unknown type"),
        (raw(kind=b"M") + END, "unknown type"),
        (raw(kind=b"2") + END, "to nothing"),
        (raw(kind=b"3", fields={329: b"0010000\0"}) + END, "impossible numbers"),
        (raw(fields={108: b"\xff" * 8}) + END, "impossible owner"),
        (raw(fields={108: b"\x80\0\0\1\0\0\0\0"}) + END, "impossible owner"),
        (pax(b"5 a=\n"[:3] + b"\n", raw()) + END, "pax record"),
        (pax(b"99999999999999999999999 a=b\n", raw()) + END, "impossible length"),
        (pax(b"-5 a=b\n", raw()) + END, "impossible length"),
        (pax(b"7 a=bcd\n", raw()) + END, "impossible length"),
        (pax(b"6 =bc\n", raw()) + END, "without keyword"),
        (pax(b"6 abc\n", raw()) + END, "without keyword"),
        (pax(record(b"size", b"-1"), raw()) + END, "decimal"),
        (pax(record(b"uid", b"1e3"), raw()) + END, "decimal"),
        (pax(record(b"mtime", b"nan"), raw()) + END, "time"),
        (pax(record(b"SCHILY.xattr.", b"v"), raw()) + END, "impossible name"),
        (pax(record(b"LIBARCHIVE.xattr.user.a%00b", b""), raw()) + END, "impossible name"),
        (pax(record(b"path", b"a\0b"), raw()) + END, "zero byte"),
        (pax(record(b"path", b"n" * 256), raw()) + END, "255"),
        (raw(b"", kind=b"0") + END, "root directory"),
    ],
)
def test_headers_that_lie_or_end_early_are_refused(archive: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        read(archive)


def test_an_archive_may_end_without_its_end_mark() -> None:
    assert [path for path, _ in read(raw()).walk()] == [b"x"]
    assert [path for path, _ in read(b"").walk()] == []


LIMITS: dict[str, Any] = {
    "entries": (3, raw(b"a/b/c/d") + END),
    "depth": (2, raw(b"a/b/c") + END),
    "path_bytes": (9, raw(b"abcdefghij") + END),
    "header_bytes": (20, pax(record(b"comment", b"x" * 30), raw()) + END),
    "xattr_bytes": (4, pax(record(b"SCHILY.xattr.user.a", b"12345"), raw()) + END),
    "segments": (2, sparse_0_1() + END),
    "metadata_bytes": (100, pax(record(b"SCHILY.xattr.user.a", b"x" * 100), raw()) + END),
    "total_bytes": (2000, raw(size=b"00000002000\0") + bytes(1024) + END),
}


@pytest.mark.parametrize("name", LIMITS)
def test_each_limit_holds(name: str) -> None:
    limit, archive = LIMITS[name]
    read(archive)
    with pytest.raises(LimitError, match=f"more than the {limit} allowed"):
        read(archive, Limits(**{name: limit}))


@pytest.mark.hostile
@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9 * 512), st.binary(min_size=1, max_size=12)), min_size=1, max_size=6)
)
def test_a_mutated_archive_is_read_or_refused(changes: list[tuple[int, bytes]]) -> None:
    archive = bytearray(pax(record(b"SCHILY.xattr.user.a", b"1") + record(b"path", b"p"), raw()))
    archive += (
        sparse_0_1()
        + raw(b"l", kind=b"2", fields={157: b"p"})
        + raw(b"h", kind=b"1", fields={157: b"p"})
        + END
    )
    for place, content in changes:
        archive[place : place + len(content)] = content
    mutated = with_checksums(bytes(archive))
    try:
        tree = read(mutated, Limits(total_bytes=2**20))
    except FormatError:
        return
    for file, spans in tree.contents():
        assert file.size == sum(end - start for _, start, end in spans)


def test_a_tar_of_real_files_reads_back_as_they_are(tmp_path: Path) -> None:
    program = tools.need("tar", package="tar")
    source = tmp_path / "source"
    (source / "sub" / "deep").mkdir(parents=True)
    (source / "sub" / "file").write_bytes(b"content" * 5000)
    (source / "sub" / "link").symlink_to("../nowhere")
    os.link(source / "sub" / "file", source / "hard")
    (source / ("long" * 20)).write_bytes(b"")
    for form in ("gnu", "pax", "ustar"):
        done = subprocess.run(
            [program, f"--format={form}", "-C", source, "-c", "."], capture_output=True, check=True
        )
        assert not listing.differences(listing.of_tree(read(done.stdout)), listing.of_directory(source))
