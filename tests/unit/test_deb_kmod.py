# SPDX-License-Identifier: MIT
"""The order of modules, and the kernel among unpacked packages."""

from __future__ import annotations

import gzip
import lzma
import os
import subprocess
from pathlib import Path

import pytest
from debpkg import kmod, tarball
from debpkg.errors import DebError

DEP = """\
kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio_ring.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio_pci.ko.zst: kernel/drivers/virtio/virtio_ring.ko \
kernel/drivers/virtio/virtio.ko
kernel/drivers/md/dm-mod.ko:
kernel/drivers/md/dm-verity.ko: kernel/drivers/md/dm-bufio.ko kernel/drivers/md/dm-mod.ko
kernel/drivers/md/dm-bufio.ko: kernel/drivers/md/dm-mod.ko
"""
INDEX = kmod.Index.parse(DEP, "kernel/fs/ext4/ext4.ko\n")


def names(paths: list[str]) -> list[str]:
    return [kmod.module_name(path) for path in paths]


def test_what_a_module_needs_comes_before_it_and_once() -> None:
    order = names(INDEX.order(["virtio-pci", "dm_verity", "dm_mod"]))
    assert order == ["virtio", "virtio_ring", "virtio_pci", "dm_mod", "dm_bufio", "dm_verity"]


def test_what_the_kernel_has_inside_is_not_an_error() -> None:
    assert INDEX.order(["ext4"]) == []


def test_an_unknown_module_is_named_but_an_optional_one_may_be_missing() -> None:
    with pytest.raises(DebError, match='no module "squashfs"'):
        INDEX.order(["squashfs"])
    assert INDEX.order([], optional=["ahci", "dm-mod"]) == ["kernel/drivers/md/dm-mod.ko"]


def test_a_compressed_module_becomes_plain() -> None:
    assert kmod.plain_path("kernel/a.ko.xz") == "kernel/a.ko"
    assert kmod.plain_path("kernel/a.ko") == "kernel/a.ko"
    assert kmod.plain(gzip.compress(b"module"), "a.ko.gz") == b"module"
    assert kmod.plain(lzma.compress(b"module"), "a.ko.xz") == b"module"
    packed = subprocess.run(["zstd", "-qc"], input=b"module", check=True, capture_output=True).stdout
    assert kmod.plain(packed, "a.ko.zst") == b"module"
    assert kmod.plain(b"module", "a.ko") == b"module"


@pytest.mark.parametrize("ending", sorted(kmod.DECOMPRESSORS))
def test_a_damaged_module_is_named(ending: str) -> None:
    for data in (b"", b"no module", gzip.compress(b"module")[:-4], lzma.compress(b"module")[:-4]):
        with pytest.raises(DebError):
            kmod.plain(data or b"x", f"a.ko{ending}")


@pytest.mark.parametrize("found", ["nothing", "what may not be run"])
def test_a_machine_without_the_programs_unpacks_modules_or_names_the_program(
    found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if found != "nothing":
        (tmp_path / "zstd").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kmod.plain(gzip.compress(b"module"), "a.ko.gz") == b"module"
    assert kmod.plain(lzma.compress(b"module"), "a.ko.xz") == b"module"
    with pytest.raises(DebError, match='"zstd" is not installed(.|\n)*scripts/setup'):
        kmod.plain(b"packed", "a.ko.zst")


def test_one_release_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DebError, match="0 kernel releases"):
        kmod.release(tmp_path)
    (tmp_path / "lib/modules/6.1").mkdir(parents=True)
    assert kmod.release(tmp_path) == "6.1"
    (tmp_path / "lib/modules/6.2").mkdir()
    with pytest.raises(DebError, match="2 kernel releases"):
        kmod.release(tmp_path)


def test_a_kernel_packed_whole_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/vmlinuz-6.1").write_bytes(gzip.compress(b"Image"))
    assert kmod.kernel_image(tmp_path, "6.1") == b"Image"
    (tmp_path / "boot/vmlinuz-6.1").write_bytes(b"Image")
    assert kmod.kernel_image(tmp_path, "6.1") == b"Image"
    with pytest.raises(DebError, match="vmlinuz-6.2"):
        kmod.kernel_image(tmp_path, "6.2")


def test_two_trees_with_other_times_modes_and_links_pack_to_the_same_bytes(tmp_path: Path) -> None:
    results = []
    for turn, mode in enumerate((0o640, 0o644)):
        tree = tmp_path / f"tree{turn}"
        (tree / "lib/b").mkdir(parents=True)
        (tree / "lib/a").write_bytes(b"same")
        (tree / "lib/a").chmod(mode)
        if turn:
            os.link(tree / "lib/a", tree / "lib/c")
        else:
            (tree / "lib/c").write_bytes(b"same")
        (tree / "lib/link").symlink_to("a")
        tarball.write(tmp_path / f"{turn}.tgz", tree, epoch=1)
        results.append((tmp_path / f"{turn}.tgz").read_bytes())
    assert results[0] == results[1]
