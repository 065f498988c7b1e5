"""Flattened layers against ``umoci unpack`` as root: an image of oddities, and random stacks of layers."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from pantavisor import layers, layout, squashfs
from pantavisor.errors import FormatError
from pantavisor.oci import Platform
from pantavisor.squashfs import PROFILES
from sim import listing, tools
from sim.changesets import STACKS, Member, Stack
from sim.layers import layer, member, write_layout


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
    ]
    upper = [
        member("etc/.wh.passwd"),
        member("x1", content=b"alone"),
        member("many/.wh.file0007"),
        member("opt/app", "link", target="elsewhere"),
        member("lib/.wh.through"),
        member("run", "dir", mode=0o700, owner=(5, 5)),
    ]
    return [lower, middle, upper]


def test_an_image_of_oddities_is_what_umoci_unpacks(umoci: str, tmp_path: Path) -> None:
    write_layout(tmp_path / "layout", [layer(*members) for members in odd_image()])
    tools.run(umoci, "unpack", "--image", f"{tmp_path}/layout:1", tmp_path / "theirs")
    wanted = listing.of_directory(tmp_path / "theirs" / "rootfs")
    with layout.open_image(tmp_path / "layout", platform=Platform.parse("linux/amd64")) as image:
        tree = layers.flatten(image.layers, structural=False)
        assert not listing.differences(listing.of_tree(tree), wanted)
        squashfs.write(tree, tmp_path / "image", profile=PROFILES["fast"])
    place = tmp_path / "mounted"
    place.mkdir()
    tools.run("mount", "-o", "loop,ro", tmp_path / "image", place)
    try:
        assert not listing.differences(listing.of_directory(place), wanted)
    finally:
        tools.run("umount", place)


@settings(max_examples=150, deadline=None, database=None)
@given(stack=STACKS)
def test_random_stacks_are_what_umoci_unpacks(umoci: str, stack: Stack) -> None:
    # umoci takes members in their order, so only whiteouts that come first mean the same to both; where their own
    # directory takes the place of a link it must come before them, as it does in layers that programs write.
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
