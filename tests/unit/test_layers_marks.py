# SPDX-License-Identifier: MIT
"""What overlayfs would obey never leaves a reader: not from a layer, a tar, a folder, nor into a patch."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest
from pantavisor import layers, squashfs
from pantavisor.container import PackOptions, make, patch
from pantavisor.container.overlay import overlaid
from pantavisor.layers import Tree
from pantavisor.manifests import SourceManifest
from pantavisor.objects import ScratchPool
from sim.layers import layer, member, tar

MARKS = {
    "SCHILY.xattr.trusted.overlay.opaque": "y",
    "SCHILY.xattr.user.overlay.redirect": "/x",
    "SCHILY.xattr.user.kept": "1",
}
NAMES = ("trusted.overlay.opaque", "user.overlay.redirect")
OLD = [member("store", "dir"), member("store/kept", content=b"kept"), member("store/old", content=b"old")]
NEW = [member("store", "dir", pax=MARKS), *OLD[1:], member("store/new", content=b"new")]


def names(tree: Tree) -> set[str]:
    return {path.decode() for path, _ in tree.walk()}


@pytest.mark.parametrize("read", ["layers", "tar"])
def test_marks_are_left_out_and_named(read: str) -> None:
    members = [
        *NEW,
        member("hidden", "chr"),
        member("deep/hidden", "chr"),
        member("tty", "chr", device=(5, 0)),
    ]
    if read == "layers":
        tree: Tree = layers.flatten([layer(*members)], structural=False)
    else:
        tree = layers.from_tar(lambda: io.BytesIO(tar(members)))
    assert tree.left_out == ("character device 0:0", *NAMES)
    node = tree.find("store")
    assert node is not None and node.metadata.xattrs == ((b"user.kept", b"1"),)
    assert names(tree) == {"store", "store/kept", "store/old", "store/new", "deep", "tty"}


def test_a_whiteout_of_an_upper_layer_hides_as_in_an_engine() -> None:
    tree = layers.flatten([layer(member("a"), member("b")), layer(member("a", "chr"))], structural=False)
    assert names(tree) == {"b"} and tree.left_out == ("character device 0:0",)


@pytest.mark.skipif(os.geteuid() != 0, reason="device nodes and trusted attributes need root")
def test_the_upper_folder_of_an_overlay_becomes_a_plain_tree(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    os.mknod(tmp_path / "d" / "gone", 0o20000)
    os.setxattr(tmp_path / "d", "trusted.overlay.opaque", b"y")
    tree = layers.from_directory(tmp_path, owner=None)
    assert names(tree) == {"d"} and tree.left_out == ("character device 0:0", "trusted.overlay.opaque")
    # Attributes are not taken at all.
    assert layers.from_directory(tmp_path).left_out == ("character device 0:0",)


def test_a_clean_tree_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    assert layers.from_directory(tmp_path).left_out == layers.flatten([layer(*OLD)]).left_out == ()


def test_a_patch_of_a_marked_image_hides_nothing_of_its_base(tmp_path: Path) -> None:
    pool = ScratchPool(tmp_path / "objects")
    source = SourceManifest(image_config={"Cmd": ["/store/kept"]}, arguments={"PV_STATUS_GOAL": "MOUNTED"})
    base = make(
        "web", layers.LayeredTree([layer(*OLD)]), source, pool, tmp_path, options=PackOptions("fast")
    )
    root = str(base.files["web/root.squashfs"])
    tree = layers.LayeredTree([layer(*NEW)])
    patched = patch(
        "web", tree, root, source, pool, tmp_path, options=PackOptions("fast"),
        beside={"web/root.squashfs": root},
    )  # fmt: skip
    assert any(
        "overlayfs would obey trusted.overlay.opaque, user.overlay.redirect" in text
        for text in patched.warnings
    )
    packed = pool.path(str(patched.files["web/root.ovl.squashfs"]))
    seen = overlaid(squashfs.read(pool.path(root)), squashfs.read(packed))
    assert {"store/kept", "store/old", "store/new"} <= names(seen)
    if os.geteuid() == 0:
        assert _kernel_listing(tmp_path, pool.path(root), packed) == ["kept", "new", "old"]


def _kernel_listing(folder: Path, base: Path, packed: Path) -> list[str]:
    """``store`` as the kernel shows it through both images."""
    script = f"""
        set -e; cd {folder}; mkdir -p base patch seen
        mount -o loop,ro {base} base; mount -o loop,ro {packed} patch
        mount -t overlay overlay -o lowerdir=patch:base seen; ls seen/store
    """
    found = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], check=True, capture_output=True, text=True
    )
    return found.stdout.split()
