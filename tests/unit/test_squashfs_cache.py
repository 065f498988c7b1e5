# SPDX-License-Identifier: MIT
"""An image has the same bytes with a cold, a warm, a half-deleted and a damaged cache, and without one."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import layers, squashfs
from pantavisor.cache import Cache, place
from pantavisor.errors import FormatError
from pantavisor.layers import KnownLayers, LayeredTree, Tree
from pantavisor.oci import Platform
from pantavisor.squashfs import Profile
from sim import codecs
from sim.changesets import STACKS, Stack
from sim.layers import layer, member
from sim.trees import odd_tree

XZ = Profile("xz:0", "xz", 0)
LARGE = 1 << 40
# Small, so that small trees have many.
BLOCK = 4096


class Counted(Cache):
    """Knows how often it had what it was asked for."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, LARGE, note=pytest.fail)
        self.hits = self.misses = 0

    def get(self, key: bytes) -> Optional[bytes]:
        found = super().get(key)
        self.hits += found is not None
        self.misses += found is None
        return found


def text(seed: int, size: int) -> bytes:
    """Bytes that can be packed."""
    chance = random.Random(seed)
    return b" ".join(b"%d" % chance.randrange(1000) for _ in range(size // 4))[:size]


def image(tree: Tree, folder: Path, cache: Optional[Cache], profile: Profile = XZ, **options: int) -> bytes:
    squashfs.write(tree, folder / "i", profile=profile, cache=cache, **{"block_size": BLOCK, **options})
    return (folder / "i").read_bytes()


def test_the_second_image_is_packed_from_the_cache_alone(tmp_path: Path) -> None:
    cold, warm = Counted(tmp_path / "c"), Counted(tmp_path / "c")
    plain = image(odd_tree(), tmp_path, None)
    assert image(odd_tree(), tmp_path, cold) == plain and cold.misses > 10
    assert image(odd_tree(), tmp_path, warm) == plain
    assert (warm.hits, warm.misses) == (cold.hits + cold.misses, 0)


def test_a_changed_top_layer_packs_little_of_what_is_below(tmp_path: Path) -> None:
    below = [
        layer(*(member(f"{base}/{n}", content=text(base + n, 11_000)) for n in range(30)))
        for base in range(0, 900, 100)
    ]

    def tree(seed: int) -> Tree:
        return LayeredTree([*below, layer(member("top", content=text(seed, 30_000)))])

    cold, warm = Counted(tmp_path / "c"), Counted(tmp_path / "c")
    image(tree(-1), tmp_path, cold)
    assert image(tree(-2), tmp_path, warm) == image(tree(-2), tmp_path, None)
    assert warm.misses < cold.misses / 10


WAYS = [
    Profile("a", "xz", 0),
    Profile("b", "xz", 1),
    squashfs.profile("small", Platform.parse("linux/amd64")),
    squashfs.profile("small", Platform.parse("linux/arm/v7")),
    squashfs.profile("small", None),
    Profile("c", "zstd", 4),
    Profile("d", "zstd", 5),
    Profile("e", "gzip", 1),
    Profile("f", "gzip", 9),
]


def test_each_way_of_packing_finds_only_its_own_blocks(tmp_path: Path) -> None:
    code = Path(sys.executable).resolve().read_bytes()[:200_000]
    tree = layers.flatten([layer(member("code", content=code), member("t", content=text(1, 9000)))])
    for _ in range(2):
        for profile in WAYS:
            for block_size in (BLOCK, 128 * 1024):
                cache = Cache(tmp_path / "c", LARGE, note=pytest.fail)
                made = image(tree, tmp_path, cache, profile, block_size=block_size)
                assert made == image(tree, tmp_path, None, profile, block_size=block_size), profile


@pytest.mark.parametrize("name", ["fast", "zstd:1", "lz4"])
def test_a_quick_profile_has_no_use_for_it(name: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c", LARGE, note=pytest.fail)
    image(odd_tree(), tmp_path, cache, squashfs.profile(name, None))
    assert not (tmp_path / "c").exists()


OTHER = """
import sys
from test_squashfs_cache import *
folder = Path(sys.argv[1])
cache = Counted(folder / "c")
options = {"profile": Profile("balanced", "xz", 3), "library": sys.argv[2]}
squashfs.write(odd_tree(), folder / "with", cache=cache, **options)
squashfs.write(odd_tree(), folder / "without", **options)
assert (folder / "with").read_bytes() == (folder / "without").read_bytes()
assert cache.misses > 0 and cache.hits < cache.misses
"""


def test_another_version_of_the_codec_finds_nothing_of_the_first(tmp_path: Path) -> None:
    other = codecs.another_version(tmp_path)
    image(odd_tree(), tmp_path, Counted(tmp_path / "c"), Profile("balanced", "xz", 3), block_size=131072)
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    words = [sys.executable, "-B", "-c", OTHER, str(tmp_path), str(other)]
    done = subprocess.run(words, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def spoil(directory: Path, chance: random.Random) -> None:
    """Nothing; or delete half of the entries, exchange values, damage bytes, or cut the file off."""
    file = directory / place.FILE
    how = chance.randrange(5)
    if how == 4:
        return
    if how < 2:
        # What was damaged before may stop it, where nothing has read that since.
        with contextlib.suppress(sqlite3.DatabaseError), sqlite3.connect(file) as database:
            database.execute(
                "DELETE FROM entry WHERE number % 2"
                if how
                else "UPDATE content SET value = (SELECT value FROM content ORDER BY random() LIMIT 1)"
            )
        return
    data = bytearray(file.read_bytes())
    for _ in range(chance.choice([1, 10, 100])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data[: chance.randrange(len(data)) if how == 3 else len(data)])


@settings(max_examples=40, deadline=None)
@given(STACKS, st.integers(0, 2**32))
def test_no_damage_of_the_cache_shows_in_an_image(members: Stack, seed: int) -> None:
    chance = random.Random(seed)
    more = layer(*(member(f"m{n}", content=text(n, chance.randrange(40_000))) for n in range(5)))
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as name:
        warnings.simplefilter("ignore")
        folder = Path(name)
        blobs = [more, *(layer(*each) for each in members)]
        try:
            plain = image(LayeredTree(blobs), folder, None)
        except FormatError:
            return
        for _ in range(3):
            cache = Cache(folder / "c", LARGE, note=lambda text: None)
            tree = LayeredTree(blobs, known=KnownLayers(cache, BLOCK))
            assert image(tree, folder, cache, threads=chance.choice([1, 3])) == plain
            spoil(folder / "c", chance)


class Unkept(LayeredTree):
    """Cannot keep what is known of its layers."""

    def keep(self) -> None:
        raise MemoryError


def test_what_cannot_be_kept_hides_no_error(tmp_path: Path) -> None:
    blob = layer(member("a", content=b"a"))
    cut = replace(blob, stored=lambda: io.BytesIO(b"".join(blob.open())[:-9]))
    with pytest.raises(FormatError, match="ends in the middle"):
        image(Unkept([cut]), tmp_path, Cache(tmp_path / "c", LARGE, note=pytest.fail))
    assert not (tmp_path / "i").exists()


def big_tree() -> Tree:
    return layers.flatten([layer(*(member(f"m{n}", content=text(n, 100_000)) for n in range(30)))])


def keep_writing(folder: Path, number: int) -> None:
    (folder / str(number)).mkdir()
    for _ in range(100):
        image(big_tree(), folder / str(number), Cache(folder / "c", LARGE, note=lambda text: os._exit(3)))


@pytest.mark.hostile
def test_processes_that_share_it_and_are_killed_do_no_harm(tmp_path: Path) -> None:
    plain = image(big_tree(), tmp_path, None)
    for round_ in range(4):
        processes = [
            multiprocessing.Process(target=keep_writing, args=(tmp_path, 2 * round_ + n)) for n in (0, 1)
        ]
        for process in processes:
            process.start()
        time.sleep(random.Random(round_).random())
        for process in processes:
            assert process.pid is not None and process.exitcode is None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        assert image(big_tree(), tmp_path, Cache(tmp_path / "c", LARGE, note=pytest.fail)) == plain
    warm = Counted(tmp_path / "c")
    assert image(big_tree(), tmp_path, warm) == plain and warm.misses == 0
