# SPDX-License-Identifier: MIT
"""Patches: what one tree has over another, laid over it again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from pantavisor import squashfs
from pantavisor.container.overlay import OPAQUE, difference, overlaid
from pantavisor.errors import FormatError
from pantavisor.layers import DeviceNode, Directory, File, Metadata, Node, Symlink, Tree

META = Metadata(0o644, 0, 0, 1_700_000_000)
FOLDER = META._replace(mode=0o755)


def text(content: str, metadata: Metadata = META) -> File:
    return File(metadata, len(content), content.encode())


def folder(metadata: Metadata = FOLDER, **entries: Node) -> Directory:
    return Directory(metadata, {name.encode(): node for name, node in entries.items()})


def base() -> Tree:
    return Tree(
        folder(
            kept=folder(a=text("a"), b=text("b")),
            gone=folder(x=text("x")),
            changed=text("old"),
            modes=text("m"),
            owner=folder(inner=text("i")),
            replaced=folder(x=text("x"), y=text("y")),
            was_file=text("f"),
            was_folder=folder(q=text("q")),
            link=Symlink(META._replace(mode=0o777), b"a"),
        )
    )


def new() -> Tree:
    return Tree(
        folder(
            kept=folder(FOLDER._replace(mtime=5), a=text("a"), b=text("b")),
            changed=text("new"),
            modes=text("m", META._replace(mode=0o4755)),
            owner=folder(FOLDER._replace(uid=7), inner=text("i"), added=text("+")),
            replaced=folder(z=text("z")),
            was_file=folder(deep=text("d")),
            was_folder=text("now a file"),
            link=Symlink(META._replace(mode=0o777), b"b"),
            fresh=folder(one=folder(two=text("2"))),
        )
    )


def test_a_patch_holds_only_what_differs() -> None:
    found = {path.decode(): node for path, node in difference(base(), new()).walk()}
    assert sorted(found) == [
        "changed", "fresh", "fresh/one", "fresh/one/two", "gone", "link", "modes",
        "owner", "owner/added", "replaced", "replaced/z", "was_file", "was_file/deep", "was_folder",
    ]  # fmt: skip
    gone = found["gone"]
    assert isinstance(gone, DeviceNode) and not gone.is_block and (gone.major, gone.minor) == (0, 0)
    assert OPAQUE in found["replaced"].metadata.xattrs
    assert all(OPAQUE not in node.metadata.xattrs for path, node in found.items() if path != "replaced")


def test_equal_trees_have_no_difference() -> None:
    assert list(difference(base(), base()).walk()) == []


def test_an_image_read_back_has_no_difference_to_its_tree(tmp_path: Path) -> None:
    squashfs.write(new(), tmp_path / "image", profile=squashfs.PROFILES["fast"], mtime=1_600_000_000)
    assert list(difference(squashfs.read(tmp_path / "image"), new(), mtime=1_600_000_000).walk()) == []


def test_what_would_hide_itself_is_refused() -> None:
    odd = Tree(folder(d=folder(x=DeviceNode(META, False, 0, 0))))
    with pytest.raises(FormatError, match="0:0"):
        difference(base(), odd)


def test_a_patch_laid_over_its_base_is_the_new_tree_again(tmp_path: Path) -> None:
    layer = difference(base(), new())
    images = {"base": base(), "patch": layer}
    for name, tree in images.items():
        squashfs.write(tree, tmp_path / name, profile=squashfs.PROFILES["fast"])
    found = overlaid(*(squashfs.read(tmp_path / name) for name in images))
    # Beneath the opaque mark, which says how and is nothing of the tree, it is what the kernel shows.
    found.root.entries[b"replaced"].metadata = new().root.entries[b"replaced"].metadata
    assert list(difference(new(), found).walk()) == [] == list(difference(found, new()).walk())
    assert [found.head(path, 9) for path in ("changed", "kept/a", "replaced/z", "gone/x")] == [
        b"new",
        b"a",
        b"z",
        None,
    ]


def test_the_kernel_shows_the_new_tree_where_a_patch_lies_over_the_old(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    layer = difference(base(), new())
    for name, tree in (("base", base()), ("patch", layer)):
        squashfs.write(tree, tmp_path / f"{name}.squashfs", profile=squashfs.PROFILES["fast"])
        (tmp_path / name).mkdir()
    for name in ("upper", "work", "merged"):
        (tmp_path / name).mkdir()
    script = """set -e; cd "$1"
    mount -t squashfs -o loop,ro base.squashfs base
    mount -t squashfs -o loop,ro patch.squashfs patch
    mount -t tmpfs tmpfs work; mkdir work/u work/w
    mount -t overlay overlay -o lowerdir=patch:base,upperdir=work/u,workdir=work/w merged
    find merged -mindepth 1 -printf '%P %y %m %U %l\\n' | sort; \
cat merged/changed merged/kept/a merged/was_folder"""
    run = ["unshare", "--mount", "sh", "-c", script, "sh", tmp_path]
    result = subprocess.run(run, capture_output=True, text=True, timeout=600, check=False)
    if result.returncode and "mount" in result.stderr and not os.environ.get("CI"):
        pytest.skip(f"this machine cannot mount: {result.stderr.strip()}")
    assert result.returncode == 0, result.stderr
    kinds = {Directory: "d", File: "f", Symlink: "l"}
    wanted = []
    for path, node in new().walk():
        target = node.target.decode() if isinstance(node, Symlink) else ""
        wanted.append(
            f"{path.decode()} {kinds[type(node)]} {node.metadata.mode:o} {node.metadata.uid} {target}"
        )
    assert result.stdout == "\n".join(sorted(wanted)) + "\nnewanow a file"
