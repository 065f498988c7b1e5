# SPDX-License-Identifier: MIT
"""What BitBake watches of a directory outside of the build, whatever its files are called."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from sim import bitbake_library
from sim.bitbake_library import LAYER, recipe

bitbake_library.need()

import bb.checksum  # noqa: E402
import bb.parse  # noqa: E402
import pvbb.outside  # noqa: E402

ODD = [b"a b", b"caf\xe9", b"${@1 + 1}", b"${@(}", b"$HOME", b"a:True b", b"a*", b"a\nb"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def watching(root: Path, **variables: str) -> Any:
    """The data of a recipe that has ``root`` for a root file system."""
    d = recipe("pvrexport", "pvr-container")
    places = {"TOPDIR": "", "TMPDIR": "tmp", "WORKDIR": "tmp/work", "DEPLOY_DIR": "tmp/deploy",
              "DEPLOY_DIR_IMAGE": "tmp/deploy/images/machine", "DL_DIR": "downloads"}  # fmt: skip
    for name, place in places.items():
        d.setVar(name, f"/build/{place}")
    for name, value in {"PVR_ROOTFS": str(root), **variables}.items():
        d.setVar(name, value)
    pvbb.outside.container(d)
    return d


def hashed(d: Any) -> str:
    """What of it is in the hash of a task; as BitBake does, in UTF-8."""
    listed = d.getVarFlag("do_pvrexport", "file-checksums") or ""
    found = bb.checksum.FileChecksumCache().get_checksums(listed, "demo", [])
    assert len(found) == listed.count(":True"), "BitBake warns of what it does not find"
    sums = "".join(f"{path} {digest}" for path, digest in sorted(found))
    return hashlib.sha256(f"{sums} {d.getVar('PVR_OUTSIDE')}".encode()).hexdigest()


@pytest.mark.parametrize("name", ODD)
def test_no_name_of_a_file_is_code_or_stops_a_build(root: Path, name: bytes) -> None:
    empty = hashed(watching(root))
    path = os.path.join(os.fsencode(root), name)
    with open(path, "w") as stream:
        stream.write("one")
    os.utime(path, (1, 1))
    assert (one := hashed(watching(root))) != empty
    with open(path, "w") as stream:
        stream.write("two")
    os.utime(path, (2, 2))
    d = watching(root)
    assert hashed(d) not in (one, empty)
    listed = d.getVarFlag("do_pvrexport", "file-checksums") or ""
    watched = [os.fsencode(path) for path, _ in d.getVar("__depends", False)]
    assert os.fsdecode(name) in listed or any(place.endswith(b"/" + name) for place in watched)


def test_names_that_are_not_utf_8_are_told_apart(root: Path) -> None:
    found = set()
    for name in (b"\xe8", b"\xe9"):
        path = os.path.join(os.fsencode(root), name)
        with open(path, "w"):
            os.utime(path, (1, 1))
        found.add(hashed(watching(root)))
        os.unlink(path)
    assert len(found) == 2


def test_a_large_root_file_system_is_read_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(20):
        (root / f"{n}").mkdir()
        (root / f"{n}/file").touch()
    d = recipe()
    added = []
    monkeypatch.setattr(type(d), "appendVarFlag", lambda *words: added.append(words))
    watching(root)
    assert len([words for words in added if words[2] == "file-checksums"]) == 1


def test_what_a_task_deploys_is_not_outside(tmp_path: Path) -> None:
    root = tmp_path / "deploy/rootfs"
    root.mkdir(parents=True)
    (root / "link").symlink_to("elsewhere")
    assert watching(root).getVar("PVR_OUTSIDE")
    assert not watching(root, DEPLOY_DIR=str(tmp_path / "deploy")).getVar("PVR_OUTSIDE")


@pytest.mark.parametrize(("name", "task"), [("pvroot-image", "do_pvroot"), ("pvroot-wic", "do_image_wic")])
def test_a_file_of_the_boot_partition_is_watched(tmp_path: Path, name: str, task: str) -> None:
    file = tmp_path / "start4.elf"
    file.touch()
    assert "pvbb.outside.image(d)" in (LAYER / f"classes/{name}.bbclass").read_text()
    d = watching(tmp_path, IMAGE_BOOT_FILES=f"own.txt {file};start.elf /build/tmp/work/sums;SHA256SUMS")
    d.setVar("__inherit_cache", [f"{LAYER}/classes/{name}.bbclass"])
    pvbb.outside.image(d)
    assert (d.getVarFlag(task, "file-checksums") or "").split() == [f"{file}:True"]
