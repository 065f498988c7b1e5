# SPDX-License-Identifier: MIT
"""Images read back as trees: those of our writer, and those of mksquashfs."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pantavisor import squashfs
from pantavisor.errors import PantavisorError
from pantavisor.layers import (
    DeviceNode,
    Directory,
    Fifo,
    File,
    Metadata,
    Node,
    Socket,
    Symlink,
    Tree,
    from_directory,
)
from pantavisor.squashfs import PROFILES, blocks

META = Metadata(0o644, 0, 0, 1_700_000_000)


def everything() -> Tree:
    noise = random.Random(1).randbytes(700_000)
    shared = File(META._replace(uid=70_000, gid=4_000_000_000), 5, b"hello")
    xattrs = ((b"security.capability", b"c" * 20), (b"trusted.t", b""), (b"user.long", b"v" * 3000))
    entries: dict[bytes, Node] = {
        b"block": DeviceNode(META, True, 4095, 1_048_575),
        b"char": DeviceNode(META._replace(xattrs=((b"trusted.t", b"c"),)), False, 1, 300),
        b"empty": File(META, 0, b""),
        b"exact": File(META, 131_072 * 2, noise[: 131_072 * 2]),
        b"hard1": shared,
        b"hard2": shared,
        b"large": File(META._replace(mode=0o4755, xattrs=xattrs), len(noise), noise),
        b"link": Symlink(META._replace(mode=0o777), b"/some/where"),
        b"many": Directory(META, {f"{index:05}".encode(): File(META, 3, b"abc") for index in range(3000)}),
        b"pipe": Fifo(META._replace(xattrs=xattrs)),
        b"socket": Socket(META),
        b"socket too": Socket(META._replace(xattrs=xattrs)),
        b"zeros": File(META, 500_000, bytes(500_000)),
    }
    return Tree(Directory(META._replace(mode=0o755, xattrs=xattrs[:1]), entries))


def facts(tree: Tree) -> list[object]:
    contents = {
        id(file): b"".join(chunk[start:end] for chunk, start, end in spans)
        for file, spans in tree.contents()
    }
    first: dict[int, bytes] = {}
    found: list[object] = []
    for path, node in [(b"", tree.root), *tree.walk()]:
        special = (node.is_block, node.major, node.minor) if isinstance(node, DeviceNode) else None
        target = node.target if isinstance(node, Symlink) else None
        same_as = first.setdefault(id(node), path)
        found.append((path, type(node), node.metadata, contents.get(id(node)), special, target, same_as))
    return found


@pytest.mark.hostile
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_what_was_written_is_read_back(tmp_path: Path, profile: str) -> None:
    squashfs.write(everything(), tmp_path / "image", profile=PROFILES[profile])
    assert facts(squashfs.read(tmp_path / "image")) == facts(everything())


@pytest.mark.hostile
def test_few_blocks_are_kept_and_the_table_of_attributes_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    squashfs.write(everything(), tmp_path / "image", profile=PROFILES["fast"])
    tables: list[int] = []
    read_table = blocks.Blocks.table

    def counted(self: blocks.Blocks, position: int, count: int, entry_bytes: int) -> bytes:
        tables.append(position)
        return read_table(self, position, count, entry_bytes)

    monkeypatch.setattr(blocks, "MAX_KEPT", 1)
    monkeypatch.setattr(blocks.Blocks, "table", counted)
    tree = squashfs.read(tmp_path / "image")
    assert len(tables) == len(set(tables)) == 2  # owners, attributes
    assert facts(tree) == facts(everything())


@pytest.mark.parametrize("options", [
    ["-comp", "gzip"], ["-comp", "xz"], ["-comp", "zstd"], ["-noI", "-noD", "-noF", "-noX"],
    ["-no-fragments", "-b", "4096"], ["-always-use-fragments"],
])  # fmt: skip
def test_images_of_mksquashfs_are_read(tmp_path: Path, options: list[str]) -> None:
    source = tmp_path / "source"
    (source / "a/b").mkdir(parents=True)
    (source / "a/big").write_bytes(random.Random(2).randbytes(300_001))
    (source / "a/small").write_bytes(b"small")
    (source / "a/b/zeros").write_bytes(bytes(200_000))
    os.link(source / "a/small", source / "a/hard")
    (source / "link").symlink_to("a/small")
    assert shutil.which("mksquashfs"), "apt install squashfs-tools"
    subprocess.run(
        ["mksquashfs", source, tmp_path / "image", "-all-root", "-quiet", "-no-progress", *options],
        check=True,
    )
    assert facts(squashfs.read(tmp_path / "image")) == facts(from_directory(source))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "image"
    entries: dict[bytes, Node] = {
        b"a": File(META, 5, b"hello"),
        b"d": Directory(META, {b"x": Symlink(META, b"y")}),
    }
    squashfs.write(Tree(Directory(META, entries)), path, profile=PROFILES["fast"])
    return path


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_image_is_refused_and_nothing_worse(sound: Path, data: st.DataObject) -> None:
    content = bytearray(sound.read_bytes())
    used = int.from_bytes(content[40:48], "little")
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, used - 1))] = data.draw(st.integers(0, 255))
    damaged = sound.with_name("damaged")
    damaged.write_bytes(content[: data.draw(st.sampled_from([used, used // 2, 10, len(content)]))])
    try:
        facts(squashfs.read(damaged))
    except PantavisorError:
        pass
