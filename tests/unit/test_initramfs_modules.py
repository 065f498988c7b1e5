# SPDX-License-Identifier: MIT
"""The list of modules that PID 1 loads, from what depmod wrote into the root file system."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "kas/quickstart/bitbake/lib"))
if importlib.util.find_spec("bb") is None:
    reason = "BitBake's library is not there: run scripts/setup-bitbake"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)

import bb
import bb.data
import pvbb.initramfs

DEP = """\
kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/lib/crc16.ko
kernel/fs/jbd2/jbd2.ko:
kernel/lib/crc16.ko:
kernel/drivers/virtio/virtio_pci.ko: kernel/drivers/virtio/virtio.ko
kernel/drivers/virtio/virtio.ko:
kernel/drivers/md/dm-mod.ko:
"""


def listed(root: Path, modules: str, optional: str = "", dep: str = DEP) -> list[str]:
    folder = root / "usr/lib/modules/6.12.1"
    folder.mkdir(parents=True, exist_ok=True)
    if not (root / "lib").exists():
        (root / "lib").symlink_to("usr/lib")
    (folder / "modules.dep").write_text(dep)
    (folder / "modules.builtin").write_text("kernel/fs/overlayfs/overlay.ko\n")
    d = bb.data.init()
    d.setVar("PN", "pantavisor-initramfs")
    d.setVar("IMAGE_ROOTFS", str(root))
    d.setVar("PANTAVISOR_INITRAMFS_MODULES", modules)
    d.setVar("PANTAVISOR_INITRAMFS_MODULES_OPTIONAL", optional)
    pvbb.initramfs.list_modules(d)
    return [
        line.removeprefix("/lib/modules/6.12.1/")
        for line in (root / "etc/pantavisor/modules").read_text().splitlines()
    ]


def test_each_module_comes_after_those_that_it_needs_and_once(tmp_path: Path) -> None:
    assert listed(tmp_path, "ext4 virtio_pci jbd2") == [
        "kernel/lib/crc16.ko",
        "kernel/fs/jbd2/jbd2.ko",
        "kernel/fs/ext4/ext4.ko",
        "kernel/drivers/virtio/virtio.ko",
        "kernel/drivers/virtio/virtio_pci.ko",
    ]


def test_built_in_and_absent_optional_modules_are_not_listed(tmp_path: Path) -> None:
    assert listed(tmp_path, "overlay dm-mod", "nvme overlay") == ["kernel/drivers/md/dm-mod.ko"]


def test_module_that_the_kernel_lacks_stops_with_its_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(bb.BBHandledException):
        listed(tmp_path, "ext4 dm_verity squashfs")
    assert "the kernel has no dm_verity, squashfs" in caplog.text
    assert "PANTAVISOR_INITRAMFS_MODULES" in caplog.text


def test_compressed_module_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(bb.BBHandledException):
        listed(tmp_path, "ext4", dep="kernel/fs/ext4/ext4.ko.xz:\n")
    assert "CONFIG_MODULE_COMPRESS" in caplog.text


def test_kernel_without_modules_gives_an_empty_list(tmp_path: Path) -> None:
    assert listed(tmp_path, "overlay", dep="") == []
