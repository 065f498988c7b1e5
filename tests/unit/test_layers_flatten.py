# SPDX-License-Identifier: MIT
"""The passes over packed layers: codecs, digests, limits, and that the second pass is as suspicious as the
first.
"""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import itertools
import lzma
import os
import random
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Optional

import pytest
from hypothesis import given, settings
from pantavisor import codecs, layers, squashfs
from pantavisor.cache import Cache
from pantavisor.digest import Digest, VerifyingReader
from pantavisor.errors import DigestError, FormatError, LimitError, PantavisorError
from pantavisor.layers import LayeredTree, Limits, Tree
from pantavisor.layers.ahead import CHUNKS, ahead
from pantavisor.layers.stream import ChunkStream, zeros
from pantavisor.layout.image import LayerBlob, layer_blob
from pantavisor.oci import OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD
from sim.changesets import STACKS, Stack
from sim.layers import blob, layer, member, tar

BIG = bytes(range(256)) * 6_000  # more than a chunk
FAST = squashfs.PROFILES["fast"]


def contents(tree: Tree) -> dict[bytes, bytes]:
    names = {id(node): path for path, node in tree.walk()}
    return {names[id(file)]: b"".join(c[s:e] for c, s, e in spans) for file, spans in tree.contents()}


def test_contents_come_from_the_layers_that_own_them() -> None:
    lower = layer(member("a", content=b"hidden"), member("b", content=BIG), member("empty"))
    upper = layer(member("a", content=b"seen"), member("c", content=BIG[::-1]))
    found = contents(layers.flatten([lower, upper]))
    assert found == {b"a": b"seen", b"b": BIG, b"c": BIG[::-1], b"empty": b""}


def test_contents_may_be_passed_over_and_asked_for_again() -> None:
    tree = layers.flatten([layer(member("a", content=BIG), member("b", content=b"tail"))])
    seen = [b"".join(c[s:e] for c, s, e in spans) for file, spans in tree.contents() if file.size == 4]
    assert seen == [b"tail"]
    assert contents(tree)[b"a"] == BIG


GUESSED_WRONG = {
    "twice": [[member("a", content=b"first"), member("a", content=b"second")]],
    "through a link": [
        [member("d", "dir"), member("d/f", content=b"below"), member("l", "link", target="d")],
        [member("l/f", content=b"above")],
    ],
    "a link to what is hidden": [
        [member("f", content=b"linked"), member("g", content=b"gone")],
        [member("h", "hard", target="f"), member(".wh.f"), member(".wh.g")],
    ],
}


@pytest.mark.parametrize("stack", GUESSED_WRONG.values(), ids=GUESSED_WRONG)
def test_names_alone_can_mislead_and_the_image_is_right_nevertheless(
    stack: list[Any], tmp_path: Path
) -> None:
    blobs = [layer(*members) for members in stack]
    tree = LayeredTree(blobs)
    came = [file for file, _ in tree.contents()]
    assert {id(file) for file in came} != {id(file) for file in tree.files()}
    squashfs.write(LayeredTree(blobs), tmp_path / "once", profile=FAST)
    squashfs.write(layers.flatten(blobs), tmp_path / "twice", profile=FAST)
    assert (tmp_path / "once").read_bytes() == (tmp_path / "twice").read_bytes()


@settings(max_examples=100, deadline=None)
@given(STACKS)
def test_an_image_is_the_same_whether_its_layers_were_read_before_or_not(stack: Stack) -> None:
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        blobs = [layer(*members) for members in stack]
        try:
            squashfs.write(layers.flatten(blobs), f"{folder}/twice", profile=FAST)
        except FormatError:
            with pytest.raises(FormatError):
                squashfs.write(LayeredTree(blobs), f"{folder}/once", profile=FAST)
            assert not os.listdir(folder)
            return
        squashfs.write(LayeredTree(blobs), f"{folder}/once", profile=FAST)
        assert Path(folder, "once").read_bytes() == Path(folder, "twice").read_bytes()


def test_layers_are_read_once_where_names_tell_what_they_hide() -> None:
    opened: list[bytes] = []

    def counted(blob: LayerBlob) -> LayerBlob:
        def opener() -> BinaryIO:
            opened.append(b"")
            return blob.open()

        return replace(blob, open=opener, stored=None)

    lower = layer(
        member("kept", content=b"kept"), member("d/a", content=b"a"), member("e", content=b"e"),
        member("o/p", content=b"p"), member("was/file", content=b"w"), member("x", content=b"x"),
    )  # fmt: skip
    upper = layer(
        member("d/.wh.a"), member("e", "link", target="kept"), member("o", "dir"), member("o/.wh..wh..opq"),
        member("was"), member("x", "dir"), member("x/y", content=b"y"),
    )  # fmt: skip
    tree = LayeredTree([counted(lower), counted(upper)])
    came = [file for file, _ in tree.contents()]
    assert {id(file) for file in came} == {id(file) for file in tree.files()} and len(opened) == 2
    assert contents(tree) == {b"kept": b"kept", b"was": b"", b"x/y": b"y"} and len(opened) > 2


def test_the_first_bytes_of_a_file_are_known_once_it_was_read() -> None:
    opened: list[bytes] = []
    lower = layer(member("a", content=BIG), member("b", content=b"short"))

    def opener() -> BinaryIO:
        opened.append(b"")
        return lower.open()

    tree = LayeredTree([replace(lower, open=opener, stored=None)])
    for _, spans in tree.contents():
        list(spans)
    assert tree.head("a", 20) == BIG[:20] and tree.head("b", 20) == b"short" and len(opened) == 1
    assert tree.head("a", 1000) == BIG[:1000] and len(opened) == 2


def test_a_layer_that_is_all_hidden_is_not_unpacked_again() -> None:
    opened = []
    lower = layer(member("a", content=BIG))

    def counting() -> BinaryIO:
        opened.append(1)
        return lower.open()

    tree = layers.flatten([replace(lower, open=counting, stored=None), layer(member(".wh.a"), member("b"))])
    contents(tree)
    assert len(opened) == 1


def test_what_an_opaque_root_hides_is_not_read() -> None:
    lower = layer(member("a", content=BIG), member("d/b", content=b"short"))
    tree = LayeredTree([lower, layer(member(".wh..wh..opq"), member("c", content=b"c"))])
    assert [file.size for file, _ in tree.contents()] == [1]


def test_a_layer_that_is_not_its_diff_id_is_refused() -> None:
    made = layer(member("a"))
    with pytest.raises(DigestError, match="but its image promises sha256:"):
        layers.flatten([replace(made, diff_id=Digest.of(b"other"))])


def test_bytes_behind_the_end_mark_belong_to_the_diff_id() -> None:
    archive = tar([member("a")])
    assert layers.flatten([blob(archive + b"behind" * 1000)]).find("a")
    with pytest.raises(DigestError):
        layers.flatten([replace(blob(archive + b"behind"), diff_id=Digest.of(archive))])


def test_a_blob_that_is_not_its_digest_counts_by_what_it_unpacks_to(tmp_path: Path) -> None:
    made, other = layer(member("a", content=BIG)), layer(member("a", content=b"x" + BIG[1:]))
    packed = bytearray(made.open().read())
    packed[4] ^= 1  # the time in gzip's header: the content stays sound
    sound = layer_blob(lambda: io.BytesIO(packed), made.digest, made.size, made.media_type, made.diff_id)
    assert contents(layers.flatten([replace(sound, open=made.open)])) == contents(layers.flatten([made]))
    with pytest.raises(DigestError, match="but its image promises"):
        layers.flatten([replace(made, stored=other.open)])
    # What is kept of a layer is kept under the digest of its blob.
    known = layers.KnownLayers(Cache(tmp_path, 2**20, note=pytest.fail), 4096)
    with pytest.raises(DigestError, match="should be"):
        LayeredTree([sound], known=known).load()


def test_a_blob_that_changes_between_the_passes_is_noticed() -> None:
    made = layer(member("a", content=b"x" * 100), member("b", content=BIG))
    honest = made.open().read()
    given = [honest, honest[:4] + b"\1" + honest[5:]]

    def opener() -> BinaryIO:
        return io.BufferedReader(VerifyingReader(io.BytesIO(given.pop(0)), made.digest, made.size))

    tree = layers.flatten([replace(made, open=opener, stored=None)])
    with pytest.raises(DigestError):
        contents(tree)


def test_a_tar_that_changes_between_the_passes_is_noticed() -> None:
    archives = [tar([member("a", content=b"1" * 600)]), tar([member("a", content=b"2" * 600)])]
    tree = layers.from_tar(lambda: io.BytesIO(archives.pop(0)))
    with pytest.raises(DigestError):
        contents(tree)


PACKERS = {"none": bytes, "gzip": gzip.compress, "xz": lzma.compress, "bzip2": bz2.compress}


@pytest.mark.parametrize("name", PACKERS)
def test_a_tar_is_unpacked_whatever_packed_it(name: str) -> None:
    archive = tar([member("a", content=BIG)])
    packed = PACKERS[name](archive)
    assert codecs.detect(packed[:8]) == name
    assert contents(layers.from_tar(lambda: io.BytesIO(packed))) == {b"a": BIG}


@pytest.mark.parametrize("name", ["gzip", "xz", "bzip2"])
def test_zeros_behind_a_packed_stream_are_passed_over(name: str) -> None:
    archive = tar([member("a", content=BIG)])
    padded = PACKERS[name](archive) + bytes(200_000)
    assert contents(layers.flatten([blob(archive, packed=padded)])) == contents(
        layers.flatten([blob(archive)])
    )


def test_a_tar_knows_no_whiteouts() -> None:
    tree = layers.from_tar(lambda: io.BytesIO(tar([member("a"), member(".wh.a")])), structural=True)
    assert {b".wh.a", b"a", b"proc"} <= tree.root.entries.keys()


def test_gzip_in_many_members_is_one_stream() -> None:
    archive = tar([member("a", content=BIG), member("b")])
    packed = b"".join(gzip.compress(archive[at : at + 70_000]) for at in range(0, len(archive), 70_000))
    assert contents(layers.flatten([blob(archive, packed=packed)]))[b"a"] == BIG


@pytest.mark.parametrize("label", [OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, ""])
@pytest.mark.parametrize("name", PACKERS)
def test_a_layer_is_unpacked_by_its_bytes_whatever_its_label(name: str, label: str) -> None:
    archive = tar([member("a", content=BIG)])
    packed = blob(archive, packed=PACKERS[name](archive), media_type=label)
    assert contents(layers.flatten([packed]))[b"a"] == BIG


def test_zstd_layers_are_read_or_the_error_names_what_to_install() -> None:
    archive = tar([member("a", content=BIG)])
    try:
        module = codecs._zstd()
    except PantavisorError as error:
        assert "backports.zstd" in str(error)
        return
    # Two frames with one to skip before and between them, as zstd:chunked and pzstd write.
    skipped = b"\x50\x2a\x4d\x18\x04\0\0\0info"
    packed = skipped + module.compress(archive[:5000]) + skipped + module.compress(archive[5000:]) + skipped
    assert codecs.detect(packed[:8]) == "zstd"
    assert contents(layers.flatten([blob(archive, packed=packed, media_type=OCI_LAYER_ZSTD)]))[b"a"] == BIG


@pytest.mark.parametrize("name", ["gzip", "xz", "bzip2"])
def test_packed_streams_that_end_early_or_go_on_with_rubbish_are_refused(name: str) -> None:
    packed = PACKERS[name](tar([member("a", content=BIG)]))
    for broken in (packed[:-1], packed[: len(packed) // 2], packed[:20], packed + b"rubbish" * 20):
        with pytest.raises(FormatError, match=f"{name} stream"):
            layers.from_tar(functools.partial(io.BytesIO, broken))


def test_a_flipped_bit_in_a_packed_stream_is_noticed() -> None:
    # Not periodic: in periodic data a wrong distance may copy the right bytes.
    packed = bytearray(gzip.compress(tar([member("a", content=random.Random(1).randbytes(50_000))]), 1))
    packed[len(packed) // 2] ^= 1
    with pytest.raises(FormatError, match="gzip stream"):
        layers.from_tar(lambda: io.BytesIO(packed))


def test_the_limits_are_for_all_layers_together() -> None:
    stack = [layer(member(f"{n}", content=bytes(400_000))) for n in range(3)]
    layers.flatten(stack[:2], Limits(total_bytes=1_000_000))
    with pytest.raises(LimitError):
        layers.flatten(stack, Limits(total_bytes=1_000_000))


def test_chunks_come_ahead_in_order_and_end_with_what_was_raised() -> None:
    def chunks() -> Iterator[bytes]:
        yield from (b"%d" % number for number in range(40))
        raise FormatError("broken")

    stream = ahead(chunks())
    assert list(itertools.islice(stream, 40)) == [b"%d" % number for number in range(40)]
    with pytest.raises(FormatError, match="broken"):
        next(stream)


def test_whoever_stops_early_waits_for_the_thread_and_no_longer() -> None:
    made = []

    def chunks() -> Iterator[bytes]:
        for number in itertools.count():
            made.append(number)
            yield b"x"

    before = threading.active_count()
    with closing(ahead(chunks())) as stream:
        assert next(stream) == b"x"
    assert threading.active_count() == before
    assert len(made) <= CHUNKS + 3


def test_an_error_in_a_layer_leaves_no_thread_behind() -> None:
    bad = layer(member("a", content=BIG), member("../b"), member("c", content=BIG * 4))
    before = threading.active_count()
    with pytest.raises(FormatError) as caught:
        layers.flatten([bad])
    assert caught.value and threading.active_count() == before


def test_a_chunk_stream_reads_across_chunks() -> None:
    stream = ChunkStream(iter([b"ab", b"cdef", b"g"]), what="it")
    assert (stream.read(3), stream.offset) == (b"abc", 3)
    assert [chunk[start:end] for chunk, start, end in stream.spans(4)] == [b"def", b"g"]
    assert stream.at_end() and stream.offset == 7
    with pytest.raises(FormatError, match="it ends"):
        stream.read(1)
    assert sum(end for _, _, end in zeros(2_500_000)) == 2_500_000


HOSTS = {"etc/hosts": b"127.0.0.1 localhost\n"}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([member("a")], b"127.0.0.1 localhost\n"),
        ([member("etc", "dir")], b"127.0.0.1 localhost\n"),
        ([member("etc/hosts")], b"127.0.0.1 localhost\n"),
        ([member("usr/etc", "dir"), member("etc", "link", target="usr/etc")], b"127.0.0.1 localhost\n"),
        ([member("etc/hosts", content=b"mine")], b"mine"),
        ([member("etc/hosts", "link", target="elsewhere")], None),
        ([member("etc", "link", target="gone")], None),
        ([member("etc", content=b"a file")], None),
    ],
)
def test_a_file_is_given_where_the_image_has_none(members: list[Any], expected: Optional[bytes]) -> None:
    tree = LayeredTree([layer(*members)], files=HOSTS)
    came = {id(file): b"".join(c[s:e] for c, s, e in spans) for file, spans in tree.contents()}
    found = tree.find("etc/hosts")
    assert (None if found is None else came[id(found)]) == expected
    assert {id(file) for file in tree.files()} <= came.keys()  # nothing has to be read a second time for it
