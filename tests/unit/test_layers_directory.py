# SPDX-License-Identifier: MIT
"""Directories of this machine as trees."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from pantavisor import layers
from pantavisor.errors import FormatError, LimitError, NotFound
from pantavisor.layers import File, Limits
from sim import listing


def make(top: Path) -> Path:
    (top / "d" / "e").mkdir(parents=True)
    (top / "d" / "f").write_bytes(b"content" * 1000)
    (top / "d" / "f").chmod(0o640)
    os.link(top / "d" / "f", top / "d" / "g")
    (top / "link").symlink_to("d/nowhere")
    os.mkfifo(top / "pipe")
    (top / os.fsdecode(b"\xff")).write_bytes(b"")
    return top


def test_a_directory_reads_as_it_is(tmp_path: Path) -> None:
    source = make(tmp_path / "s")
    os.setxattr(source / "d" / "f", "user.note", b"n")
    tree = layers.from_directory(source, owner=None)
    assert not listing.differences(listing.of_tree(tree), listing.of_directory(source))


def test_everything_gets_the_owner_asked_for(tmp_path: Path) -> None:
    tree = layers.from_directory(make(tmp_path / "s"), owner=(0, 7))
    assert {node.metadata[1:3] for _, node in tree.walk()} == {(0, 7)} and tree.root.metadata[1:3] == (0, 7)
    os.setxattr(tmp_path / "s" / "d", "user.note", b"n")
    default = layers.from_directory(tmp_path / "s")
    assert {(node.metadata.uid, node.metadata.xattrs) for _, node in default.walk()} == {(0, ())}


def test_a_file_that_changes_its_size_is_noticed(tmp_path: Path) -> None:
    tree = layers.from_directory(make(tmp_path / "s"))
    for size in (3, 9000):
        os.truncate(tmp_path / "s" / "d" / "f", size)
        with pytest.raises(FormatError, match="changed its size"):
            listing.of_tree(tree)


def test_links_are_not_followed_out(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "out").symlink_to(make(tmp_path / "other"))
    assert [path for path, _ in layers.from_directory(tmp_path / "s").walk()] == [b"out"]


def test_a_socket_stays_one(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
        (tmp_path / "s").chmod(0o750)
        node = layers.from_directory(tmp_path).root.entries[b"s"]
    assert isinstance(node, layers.Socket) and node.metadata.mode == 0o750


def test_what_is_not_a_directory_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        layers.from_directory(tmp_path / "missing")


def test_depth_and_number_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    layers.from_directory(tmp_path, Limits(depth=3, entries=3))
    with pytest.raises(FormatError, match="2 directories deep"):
        layers.from_directory(tmp_path, Limits(depth=2))
    with pytest.raises(LimitError):
        layers.from_directory(tmp_path, Limits(entries=2))


def test_head_find_and_subtree_follow_links(tmp_path: Path) -> None:
    source = make(tmp_path / "s")
    (source / "short").symlink_to("/d/../d/f")
    tree = layers.from_directory(source)
    assert tree.head("short", 10) == b"contentcon"
    assert tree.head("d/f", 100_000) == b"content" * 1000
    assert tree.head("link", 5) is None and tree.head("d", 5) is None and tree.head("d/f/x", 5) is None
    assert isinstance(tree.find("/d/g"), File) and tree.find("d/../..") is tree.root
    below = tree.subtree("d")
    assert below is not None and [path for path, _ in below.walk()] == [b"e", b"f", b"g"]
    assert tree.subtree("d/f") is None
