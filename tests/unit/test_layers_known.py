# SPDX-License-Identifier: MIT
"""Layers that are known from the last time give the same image, and are not unpacked for it."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Optional

import pytest
from pantavisor import codecs, squashfs
from pantavisor.cache import Cache
from pantavisor.digest import Digest, VerifyingReader
from pantavisor.errors import DigestError, LimitError
from pantavisor.layers import KnownLayers, LayeredTree, Limits
from pantavisor.layers.limits import DEFAULT
from pantavisor.layout.image import LayerBlob
from pantavisor.squashfs import Profile
from sim.layers import layer, member

XZ = Profile("xz:0", "xz", 0)
LARGE = 1 << 40
BLOCK = 4096


def text(seed: int, size: int) -> bytes:
    chance = random.Random(seed)
    return b" ".join(b"%d" % chance.randrange(1000) for _ in range(size // 4))[:size]


def base(seed: int) -> LayerBlob:
    """A layer with something of everything."""
    names = ["a", "b/c", "b/d", "b/e/f"]
    files = [member(f"{name}{seed}", content=text(seed + n, 9_000 * n)) for n, name in enumerate(names)]
    return layer(
        member("b", "dir", mode=0o700, mtime=5),
        *files,
        member("zeros", content=bytes(9_000)),
        member("noise", content=random.Random(seed).randbytes(5_000)),
        member(f"link{seed}", "link", target="a"),
        member(f"hard{seed}", "hard", target=f"a{seed}"),
        member("null", "chr", device=(1, 3)),
        member("pipe", "fifo", owner=(7, 70_000)),
        member("capable", content=b"x", pax={"SCHILY.xattr.user.x": "y", "mtime": "-3.5"}),
    )


class Build:
    """Images by one cache; ``unpacked`` are the layers that were unpacked for the last."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.unpacked: list[str] = []
        unpack = codecs.unpack

        def watched(stream: BinaryIO, *, what: str) -> Iterator[bytes]:
            self.unpacked.append(what.removeprefix("layer "))
            return unpack(stream, what=what)

        monkeypatch.setattr(codecs, "unpack", watched)

    def tree(self, blobs: Sequence[LayerBlob], cache: Cache, limits: Limits = DEFAULT) -> LayeredTree:
        return LayeredTree(blobs, limits, known=KnownLayers(cache, BLOCK))

    def image(self, blobs: Sequence[LayerBlob], limits: Limits = DEFAULT) -> bytes:
        """One that must be the same as without a cache."""
        plain = self._write(LayeredTree(blobs), None)
        self.unpacked.clear()
        cache = Cache(self.folder / "c", LARGE, note=pytest.fail)
        assert self._write(self.tree(blobs, cache, limits), cache) == plain
        return plain

    def _write(self, tree: LayeredTree, cache: Optional[Cache]) -> bytes:
        path = self.folder / "image"
        squashfs.write(tree, path, profile=XZ, block_size=BLOCK, cache=cache)
        return path.read_bytes()


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    return Build(tmp_path, monkeypatch)


def digests(*blobs: LayerBlob) -> list[str]:
    return [str(blob.digest) for blob in blobs]


def test_an_unchanged_image_is_made_without_unpacking_a_layer(build: Build) -> None:
    blobs = [base(10), base(20), base(30)]
    build.image(blobs)
    assert build.unpacked == digests(*reversed(blobs))
    build.image(blobs)
    assert build.unpacked == []


def test_below_a_changed_layer_at_most_the_next_is_unpacked_again(build: Build) -> None:
    below = [
        layer(*(member(f"{n}/{k}", content=text(1000 * n + k, 3_000)) for k in range(40))) for n in range(5)
    ]
    tops = [layer(member("top", content=text(n, 7_000))) for n in (-1, -2)]
    build.image([*below, tops[0]])
    build.image([*below, tops[1]])
    assert set(build.unpacked) <= set(digests(tops[1], below[-1]))
    build.image([*below, tops[0]])
    assert build.unpacked == []


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1], [0, 2], [1, 0]])
def test_a_known_layer_may_lie_anywhere_in_another_image(build: Build, order: list[int]) -> None:
    blobs = [
        base(10),
        layer(member("b", "dir", mode=0o755, mtime=9), member("a10", content=b"new"), member("b/.wh.d10")),
        layer(member("b/.wh..wh..opq"), member("b/g", content=text(3, 12_345)), member(".wh.noise")),
    ]
    build.image(blobs)
    build.image([blobs[number] for number in order])
    build.image(blobs)


def test_files_of_which_no_piece_was_seen_are_read_when_they_show(build: Build) -> None:
    lower, upper = base(10), layer(member("a10", content=b"new"), member("b/.wh..wh..opq"))
    build.image([lower, upper])
    build.image([lower])
    assert build.unpacked == digests(lower)
    build.image([lower])
    assert build.unpacked == []


def test_names_that_mislead_make_no_other_image_of_known_layers(build: Build) -> None:
    lower = layer(member("d/f", content=text(1, 9_000)), member("l", "link", target="d"))
    upper = layer(member("l/f", content=text(2, 9_000)))
    for _ in range(3):
        build.image([lower, upper])


def test_what_was_left_out_is_named_each_time(build: Build, tmp_path: Path) -> None:
    blobs = [layer(member("w", "chr"), member("f", pax={"SCHILY.xattr.trusted.overlay.opaque": "y"}))]
    for _ in range(2):
        build.image(blobs)
        cache = Cache(tmp_path / "c", LARGE, note=pytest.fail)
        tree = build.tree(blobs, cache)
        tree.load()
        assert tree.left_out == ("character device 0:0", "trusted.overlay.opaque")


def blob_of(promised: LayerBlob, actual: LayerBlob) -> LayerBlob:
    """What ``actual`` holds under the other's digest."""
    with actual.open() as stream:
        data = stream.read()
    return replace(
        promised,
        open=lambda: io.BufferedReader(VerifyingReader(io.BytesIO(data), promised.digest, promised.size)),
    )


def test_a_known_layer_is_verified_again(build: Build) -> None:
    blob = base(10)
    build.image([blob])
    with pytest.raises(DigestError):
        build.image([blob_of(blob, base(20))])


def test_a_blob_that_must_unpack_to_something_else_is_not_known(build: Build) -> None:
    blob = base(10)
    build.image([blob])
    cache = Cache(build.folder / "c", LARGE, note=pytest.fail)
    tree = build.tree([replace(blob, diff_id=Digest.of(b"other"))], cache)
    with pytest.raises(DigestError, match="unpacks to"):
        squashfs.write(tree, build.folder / "i", profile=XZ, block_size=BLOCK, cache=cache)


def test_limits_hold_for_known_layers_together(build: Build) -> None:
    limits = Limits(entries=25)
    build.image([base(10)], limits)
    build.image([base(20)], limits)
    with pytest.raises(LimitError, match="entries"):
        build.image([base(10), base(20)], limits)


def test_a_layer_that_was_within_looser_limits_is_held_against_stricter_ones(build: Build) -> None:
    blob = layer(member("a/b/c", content=b"x"))
    build.image([blob])
    with pytest.raises(LimitError, match="bytes in a path"):
        build.image([blob], Limits(path_bytes=4))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[[1, 2, 3], [], 7]", "[[1, 2, 3], [], [[]]]", "\0", "[" * 9000]
)
def test_an_entry_that_is_not_one_costs_no_build(build: Build, text: str) -> None:
    blob = base(10)
    cache = Cache(build.folder / "c", LARGE, note=pytest.fail)
    known = KnownLayers(cache, BLOCK)
    cache.put(known._key(blob, DEFAULT), struct.pack("<Q", len(text)) + text.encode())
    cache.flush()
    build.image([blob])
    assert build.unpacked == digests(blob)
    build.image([blob])
    assert build.unpacked == []


def test_changed_code_knows_no_layer(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    build.image([base(10)])
    monkeypatch.setattr("pantavisor.layers.known._code_digest", lambda: "other")
    build.image([base(10)])
    assert build.unpacked


def test_a_layer_that_changes_after_it_was_verified_leaves_nothing_in_the_cache(build: Build) -> None:
    noise = member("noise", content=random.Random(1).randbytes(150 * BLOCK))
    good, bad = (layer(member("a", content=a * 1_000), noise) for a in (b"a", b"x"))
    tops = [layer(member("top", content=text(n, 500))) for n in range(2)]
    build.image([good, tops[0]])
    states = iter([good, blob_of(good, bad)])
    changing = replace(good, open=lambda: next(states).open())
    cache = Cache(build.folder / "c", LARGE, note=pytest.fail)
    with pytest.raises(DigestError):
        squashfs.write(
            build.tree([changing, tops[1]], cache),
            build.folder / "i",
            profile=XZ,
            block_size=BLOCK,
            cache=cache,
        )
    build.image([good, tops[1]])


def watched(blob: LayerBlob, opened: list[LayerBlob]) -> LayerBlob:
    """``blob``, noted in ``opened`` each time that it is."""

    def open_it() -> BinaryIO:
        opened.append(blob)
        return blob.open()

    return replace(blob, open=open_it, stored=None)


def test_misleading_names_open_no_known_layer_for_each_of_its_files(build: Build) -> None:
    lower = layer(member("d/f", content=b"old"), member("l", "link", target="d"))
    upper = layer(
        member("l/f", content=b"new"), *(member(f"m/{n}", content=text(n, 40)) for n in range(60))
    )
    for top in (layer(member("top", content=text(n, 500))) for n in range(2)):
        opened: list[LayerBlob] = []
        build.image([lower, watched(upper, opened), top])
    assert len(opened) < 10


def test_a_layer_of_endless_names_is_not_kept(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pantavisor.layers.known.MAX_METADATA_BYTES", 20_000, raising=False)
    blob = layer(*(member(f"{'n' * 200}/{'m' * 200}/{n}", content=b"x") for n in range(50)))
    for _ in range(2):
        build.image([blob])
        assert build.unpacked == digests(blob)
