# SPDX-License-Identifier: MIT
"""Squashfs images against the kernel that mounts them, unsquashfs that unpacks them, and a full disk. Takes
root.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pantavisor import squashfs
from pantavisor.errors import PantavisorError
from pantavisor.layers import Directory, Tree
from pantavisor.oci import Platform
from pantavisor.squashfs import PROFILES, Profile
from sim import listing, tools
from sim.trees import META, odd_tree, small_tree

FAST = PROFILES["fast"]


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    tools.need_root()
    place.mkdir()
    tools.run("mount", "-o", "loop,ro", "-t", "squashfs", image, place)
    try:
        yield place
    finally:
        tools.run("umount", place)


PROFILE_CASES = [
    FAST,
    PROFILES["light"],
    PROFILES["balanced"],
    squashfs.profile("small", Platform.parse("linux/amd64")),
    squashfs.profile("small", Platform.parse("linux/arm64")),
    squashfs.profile("small", Platform.parse("linux/arm/v6")),
    Profile("gzip", "gzip", 9),
    Profile("lz4", "lz4"),
]


@pytest.mark.parametrize("profile", PROFILE_CASES, ids=str)
def test_the_kernel_reads_back_what_was_written(tmp_path: Path, profile: Profile) -> None:
    image = tmp_path / "i"
    squashfs.write(odd_tree(), image, profile=profile)
    with mounted(image, tmp_path / "m") as place:
        found = listing.of_directory(place)
        assert not listing.differences(found, listing.of_tree(odd_tree()))
        assert (place / "d" / "hard2").stat().st_nlink == 2
        assert (place / "d").stat().st_nlink == 3 and place.stat().st_nlink == 5
        assert (place / "zeros").stat().st_blocks == 0
        assert place.stat().st_mtime == 7


@pytest.mark.parametrize("block_size", [4096, 1024 * 1024])
def test_other_block_sizes_are_read_back_too(tmp_path: Path, block_size: int) -> None:
    squashfs.write(odd_tree(), tmp_path / "i", profile=FAST, block_size=block_size)
    with mounted(tmp_path / "i", tmp_path / "m") as place:
        assert not listing.differences(listing.of_directory(place), listing.of_tree(odd_tree()))


@pytest.mark.parametrize("profile", PROFILE_CASES, ids=str)
def test_unsquashfs_reads_back_what_was_written(tmp_path: Path, profile: Profile) -> None:
    program = tools.need("unsquashfs", package="squashfs-tools")
    tools.need_root()
    squashfs.write(odd_tree(), tmp_path / "i", profile=profile)
    tools.run(program, "-no-progress", "-d", tmp_path / "out", tmp_path / "i")
    assert not listing.differences(listing.of_directory(tmp_path / "out"), listing.of_tree(odd_tree()))


def test_an_image_of_nothing_can_be_mounted(tmp_path: Path) -> None:
    squashfs.write(Tree(Directory(META)), tmp_path / "i", profile=FAST)
    with mounted(tmp_path / "i", tmp_path / "m") as place:
        assert list(place.iterdir()) == []


def test_no_file_is_later_than_the_time_given(tmp_path: Path) -> None:
    squashfs.write(small_tree(), tmp_path / "i", profile=FAST, mtime=1000)
    with mounted(tmp_path / "i", tmp_path / "m") as place:
        assert (place / "f").stat().st_mtime == 1000


def test_a_full_disk_is_reported_as_such(tmp_path: Path) -> None:
    tools.need_root()
    place = tmp_path / "m"
    place.mkdir()
    tools.run("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place)
    try:
        with pytest.raises((PantavisorError, OSError), match=os.strerror(errno.ENOSPC)):
            squashfs.write(odd_tree(), place / "i", profile=FAST)
        assert list(place.iterdir()) == []
    finally:
        tools.run("umount", place)
