# SPDX-License-Identifier: MIT
"""Flattened layers against ``umoci unpack`` as root: an image of oddities, and random stacks of layers."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from pantavisor import layers, squashfs
from pantavisor.errors import FormatError
from pantavisor.layout.image import LayerBlob
from pantavisor.squashfs import PROFILES
from sim import listing, tools
from sim.changesets import STACKS, Member, Stack
from sim.layers import blob, layer, member, write_layout

# cap_net_bind_service+ep, as the kernel keeps it; none of its bytes is beyond ASCII, so a pax record can be
# text.
EARLY = b"before 1970"
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000").decode()


@pytest.fixture(scope="module")
def umoci() -> str:
    tools.need_root()
    return tools.need("umoci", package="umoci")


def odd_image() -> Stack:
    """Three layers in which everything happens that images are known to do."""
    lower = [
        member("./", "dir", mode=0o755),
        member("usr/lib", "dir"),
        member("lib", "link", target="usr/lib"),
        member("etc/passwd", content=b"root:x:0:0::/:/bin/sh\n"),
        member("etc/conf.d/one", content=b"1"),
        member("etc/conf.d/two", content=b"2"),
        member("opt/app/data", content=b"d" * 300_000),
        member("srv/gone/deep/file"),
        member("var/run", "link", target="/run"),
        member("run", "dir"),
        *(member(f"many/file{n:04}", content=b"%d" % n) for n in range(800)),
        member("swap/dir/deep/file"),
        member("swap/link", "link", target="dir"),
        member("swap/file", content=b"f"),
        member("swap/folder/file"),
        member("chain/one", "link", target="two/three"),
        member("chain/two", "link", target="/chain/real"),
        member("chain/real/three", "dir", mode=0o711),
        member("chain/up", "link", target="../../../../srv"),
        member("capable", mode=0o755, pax={"SCHILY.xattr.security.capability": CAPABILITY}),
        member("opaque/old/file"),
        member("opaque/kept later"),
        member("linked/lower", content=b"one inode"),
        member("linked/lower2", "hard", target="linked/lower"),
        member("gone and back", content=b"1"),
    ]
    middle = [
        member("etc/conf.d/.wh..wh..opq"),
        member("etc/conf.d/three", content=b"3"),
        member("srv/.wh.gone"),
        member("lib/through", content=b"the link"),
        member("var/run/pid", content=b"1"),
        member("passwd link", "hard", target="etc/passwd"),
        member("x1", content=b"shared"),
        member("x2", "hard", target="./x1"),
        member("setuid", mode=0o4755, pax={"SCHILY.xattr.user.a": "b", "SCHILY.xattr.trusted.t": "z"}),
        member("dev/char", "chr", device=(5, 1)),
        member("dev/block", "blk", device=(300, 70000)),
        member("dev/pipe", "fifo"),
        member("owned", owner=(70000, 4_000_000_000)),
        member("n\udcffot utf-8"),
        member("ünï", content=b"u"),
        member("zeros", content=bytes(1_000_000)),
        member("old", mtime=1),
        member("long", "link", target="nowhere/" * 100),
        member("swap/dir", "link", target="folder"),
        member("swap/link", "dir", mode=0o700),
        member("swap/link/in it", content=b"now a folder"),
        member("swap/file", "dir"),
        member("swap/file/in it"),
        member("swap/folder", content=b"now a file"),
        member("chain/one/new", content=b"by way of links"),
        member("chain/up/above", content=b"not out of the root"),
        member("capable too", "hard", target="capable"),
        member("opaque/.wh..wh..opq"),
        member("opaque/kept later", content=b"2"),
        member("linked/upper", "hard", target="linked/lower2"),
        member(".wh.gone and back"),
        member("implied/by/its/file"),
        member(
            "xattrs", "dir", pax={"SCHILY.xattr.user.on a folder": "1", "SCHILY.xattr.trusted.empty": ""}
        ),
        member("largest owner", owner=(2**32 - 2, 2**32 - 2)),
        member("p" * 120 + "/" + "n" * 255, content=b"long names"),
        member("日本語/имя", content="naïve".encode()),
        member("sticky", "dir", mode=0o1777),
        member("setgid", "dir", mode=0o2755, owner=(0, 50)),
        member("no rights", mode=0),
        member("before 1970", mtime=-1),
        member("after 2038", mtime=2**31 + 5),
    ]
    upper = [
        member("etc/.wh.passwd"),
        member("x1", content=b"alone"),
        member("many/.wh.file0007"),
        member("opt/app", "link", target="elsewhere"),
        member("lib/.wh.through"),
        member("run", "dir", mode=0o700, owner=(5, 5)),
        member("swap/dir", "dir", mode=0o750),
        member("swap/dir/back again"),
        member("swap/link", "link", target="dir"),
        member("swap/file", content=b"a file again"),
        member("gone and back", content=b"3"),
        member("linked/.wh.lower"),
        member("capable", mode=0o755, content=b"without"),
        member("dev/char", "fifo"),
        member("dev/pipe", "chr", device=(1, 3)),
    ]
    return [lower, middle, upper]


def test_an_image_of_oddities_is_what_umoci_unpacks(umoci: str, tmp_path: Path) -> None:
    started = time.time()
    blobs = [layer(*members) for members in odd_image()]
    wanted = unpacked(umoci, blobs, tmp_path)
    tree = layers.flatten(blobs, structural=False)
    assert not listing.differences(listing.of_tree(tree), wanted)
    squashfs.write(tree, tmp_path / "image", profile=PROFILES["fast"])
    # The clock of squashfs begins with 1970.
    wanted[EARLY] = (*wanted[EARLY][:3], 0, *wanted[EARLY][4:])
    with mounting(tmp_path) as place:
        assert not listing.differences(listing.of_directory(place), wanted)
        times = listing.folder_times(tmp_path / "theirs" / "rootfs", before=started)
        ours = listing.folder_times(place, before=started)
    # Those that layers name; the others were made when they were needed.
    assert {b"swap/dir", b"sticky", b"chain/real/three"} <= set(times)
    assert {path: ours.get(path) for path in times} == times


def unpacked(umoci: str, blobs: list[LayerBlob], folder: Path) -> listing.Listing:
    """What umoci makes of the layers as root."""
    write_layout(folder / "layout", blobs)
    tools.run(umoci, "unpack", "--image", f"{folder}/layout:1", folder / "theirs")
    return listing.of_directory(folder / "theirs" / "rootfs")


@contextmanager
def mounting(folder: Path) -> Iterator[Path]:
    """Where the kernel shows the squashfs ``image`` of the folder."""
    place = folder / "mounted"
    place.mkdir()
    tools.run("mount", "-o", "loop,ro", folder / "image", place)
    try:
        yield place
    finally:
        tools.run("umount", place)


def mounted(folder: Path) -> listing.Listing:
    """What the kernel shows of the squashfs ``image`` in the folder."""
    with mounting(folder) as place:
        return listing.of_directory(place)


SPARSE_FORMS = {
    "gnu": ("--format=gnu",),
    "0.0": ("--format=posix", "--sparse-version=0.0"),
    "0.1": ("--format=posix", "--sparse-version=0.1"),
    "1.0": ("--format=posix", "--sparse-version=1.0"),
}


def sparse_layer(folder: Path, size: int, pieces: dict[str, list[int]], *options: str) -> LayerBlob:
    """A layer by GNU tar: files of ``size`` bytes that are holes but for a word at each of the given
    places.
    """
    source = folder / "source"
    source.mkdir()
    for name, places in pieces.items():
        with open(source / name, "wb") as stream:
            for place in places:
                stream.seek(place)
                stream.write(b"data")
            stream.truncate(size)
    archive = folder / "layer.tar"
    tools.run("tar", "-C", source, "--sparse", *options, "-cf", archive, *pieces)
    assert archive.stat().st_size < size / 2
    return blob(archive.read_bytes())


@pytest.mark.parametrize("form", sorted(SPARSE_FORMS))
def test_sparse_files_of_gnu_tar_are_what_others_unpack(umoci: str, form: str, tmp_path: Path) -> None:
    # As many pieces as an old header holds, as its first extension block adds, and more.
    pieces = {f"with {count}": [1 + 65536 * n for n in range(count)] for count in (0, 1, 4, 5, 25, 26, 60)}
    pieces["at the end"] = [65536 * 70 - 4]
    made = sparse_layer(tmp_path, 65536 * 70, pieces, *SPARSE_FORMS[form])
    if form == "gnu":
        # Whose type of member umoci does not know.
        (tmp_path / "theirs").mkdir()
        tools.run("tar", "-C", tmp_path / "theirs", "-xpf", tmp_path / "layer.tar")
        wanted = listing.of_directory(tmp_path / "theirs")
    else:
        wanted = unpacked(umoci, [made], tmp_path)
    tree = layers.flatten([made], structural=False)
    assert not listing.differences(listing.of_tree(tree), wanted)
    squashfs.write(tree, tmp_path / "image", profile=PROFILES["fast"])
    assert not listing.differences(mounted(tmp_path), wanted)


def test_sparse_file_of_more_than_4_gib_is_what_umoci_unpacks(umoci: str, tmp_path: Path) -> None:
    size = 2**32 + 2**20
    pieces = {"large": [0, 2**31 + 1, 2**32 - 2, size - 4]}
    made = sparse_layer(tmp_path, size, pieces, *SPARSE_FORMS["1.0"])
    wanted = unpacked(umoci, [made], tmp_path)
    shutil.rmtree(tmp_path / "theirs")
    squashfs.write(
        layers.LayeredTree([made], structural=False), tmp_path / "image", profile=PROFILES["fast"]
    )
    assert not listing.differences(mounted(tmp_path), wanted)


@settings(max_examples=150, deadline=None, database=None)
@given(stack=STACKS)
def test_random_stacks_are_what_umoci_unpacks(umoci: str, stack: Stack) -> None:
    # umoci takes members in their order, so only whiteouts that come first mean the same to both; where
    # their own directory takes the place of a link it must come before them, as it does in layers that
    # programs write.
    ordered = [sorted(members, key=lambda entry: ".wh." not in entry[0].name) for members in stack]
    if _hides_below_replaced_links(stack):
        return
    folder = Path(tempfile.mkdtemp())
    try:
        _compare(umoci, ordered, folder)
    finally:
        shutil.rmtree(folder)


def _hides_below_replaced_links(stack: Stack) -> bool:
    links = {info.name for members in stack for info, _ in members if info.issym()}
    for members in stack:
        directories = {info.name for info, _ in members if info.isdir()} & links
        hidden = [info.name for info, _ in members if ".wh." in info.name]
        if any(name.startswith(f"{directory}/") for name in hidden for directory in directories):
            return True
    return False


def _links_and_hides(members: list[Member]) -> bool:
    return any(info.islnk() for info, _ in members) and any(".wh." in info.name for info, _ in members)


def _compare(umoci: str, stack: Stack, folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blobs = [layer(*members) for members in stack]
        write_layout(folder / "layout", blobs)
    words = [umoci, "unpack", "--image", f"{folder}/layout:1", str(folder / "out")]
    done = subprocess.run(words, capture_output=True, timeout=tools.TIMEOUT_SECONDS, check=False)
    try:
        ours = listing.of_tree(layers.flatten(blobs, structural=False))
    except FormatError:
        assert done.returncode != 0, "we refuse what umoci unpacks"
        return
    if b"link: no such file" in done.stderr and any(_links_and_hides(members) for members in stack):
        return  # we still make a hard link to what the same layer hides
    assert done.returncode == 0, done.stderr
    assert not listing.differences(ours, listing.of_directory(folder / "out" / "rootfs"))
