# SPDX-License-Identifier: MIT
"""The layer's files for wic, by scarthgap's wic itself: a disk that passes the verifier, laid out as the
BSP layer's own file does it, in which two lines are changed.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import pytest
from checkouts import LAYER, Checkout, find, why_missing
from pantavisor import audit, disk, factory, inspect, jobs
from pantavisor.board import Board
from pantavisor.errors import FormatError
from pantavisor.readers import Findings, opened
from sim import bitbake_library, tools
from sim import device as sim
from sim.uboot import script

bitbake_library.need()

import bb.data  # noqa: E402
import pvbb.root  # noqa: E402

TOOLS = "mkdosfs mkfs.vfat mcopy mdir dosfslabel fsck.vfat parted sgdisk sfdisk tune2fs install du"
STORAGE = 'part --source rawcopy --sourceparams="file=${PVROOT_STORAGE}" --fstype=ext4'
STM32 = "arm-trusted-firmware/tf-a-stm32mp157f-dk2-sdcard.stm32"


@dataclass(frozen=True)
class Machine:
    """``files`` lie in the deploy directory; ``boot`` is IMAGE_BOOT_FILES. ``vendor`` is the file of the
    BSP layer; ``storage`` replaces its line with the root file system, ``edit`` what else is not ours.
    """

    wks: str
    boot: str
    files: Sequence[str] = ()
    vendor: Optional[str] = None
    storage: str = STORAGE
    edit: Sequence[tuple[str, str]] = ()
    variables: Sequence[tuple[str, str]] = ()


MACHINES = {
    "efi": Machine("pantavisor-efi.wks", "loader.efi;EFI/BOOT/BOOTX64.EFI"),
    "boot": Machine("pantavisor-boot.wks", "boot.scr"),
    "raspberrypi": Machine(
        "pantavisor-raspberrypi.wks",
        "bootfiles/* u-boot.bin;kernel8.img bcm2711.dtb vc4.dtbo;overlays/vc4.dtbo Image boot.scr",
        ["bootfiles/start4.elf", "bootfiles/fixup4.dat", "u-boot.bin", "bcm2711.dtb", "vc4.dtbo", "Image"],
        "meta-raspberrypi/wic/sdimage-raspberrypi.wks",
    ),
    "imx8m": Machine(
        "pantavisor-imx-boot.wks.in",
        "Image imx8mm-evk.dtb boot.scr",
        ["imx-boot.tagged", "Image", "imx8mm-evk.dtb"],
        "meta-freescale/wic/imx-imx-boot-bootpart.wks.in",
        variables=[("IMX_BOOT_SEEK", "33")],
    ),
    "stm32mp157f-dk2": Machine(
        "pantavisor-stm32mp157f-dk2.wks",
        "zImage stm32mp157f-dk2.dtb boot.scr",
        [STM32, "arm-trusted-firmware/metadata.bin", "fip/fip-stm32mp157f-dk2-optee.bin", "zImage",
         "stm32mp157f-dk2.dtb"],
        "meta-st-stm32mp/wic/sdcard-stm32mp157f-dk2-optee-1GB.wks.in",
        storage=f"{STORAGE} --part-name storage",
        edit=[
            (r"part bootfs .*", "part /boot --source bootimg-partition --fstype=vfat --label boot --active"
             " --align 1024 --fixed-size 64 --part-name boot"),
            (r"part usrfs .*", ""),
        ],
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Workshop:
    """A deploy directory, the storage of a device, and wic with the tools of this machine."""

    checkout: Checkout
    folder: Path
    device: sim.Device

    @property
    def storage(self) -> Path:
        return self.folder / "storage.ext4"

    def lay_out(self, machine: Machine, wks: str, name: str) -> Path:
        deploy, work = self.folder / "deploy", self.folder / name
        for file in machine.files:
            (deploy / file).parent.mkdir(parents=True, exist_ok=True)
            (deploy / file).write_bytes(file.encode() * 999)
        sums = self._list(machine.boot)
        (work / "vars").mkdir(parents=True)
        (work / "rootfs").mkdir()
        values = {
            "DEPLOY_DIR_IMAGE": deploy,
            "PVROOT_STORAGE": self.storage,
            "IMAGE_BOOT_FILES": f"{machine.boot} {sums};SHA256SUMS",
            "IMAGE_ROOTFS": work / "rootfs",
            "RECIPE_SYSROOT_NATIVE": work,
            "STAGING_DATADIR": work,
            "HOSTTOOLS_DIR": self.folder / "tools",
            **dict(machine.variables),
        }
        lines = (f'{name}="{value}"\n' for name, value in values.items())
        (work / "vars/image.env").write_text("".join(lines))
        (work / "disk.wks").write_text(wks)
        scripts = self.checkout.folder / "openembedded-core/scripts"
        words = [scripts / "wic", "create", work / "disk.wks", "--vars", work / "vars", "-e", "image",
                 "-o", work / "out", "-w", work / "tmp"]  # fmt: skip
        environment = {**os.environ, "BUILDDIR": str(work), "SOURCE_DATE_EPOCH": str(sim.EPOCH)}
        done = subprocess.run(["python3", *words], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        (image,) = (work / "out").glob("*.direct")
        return image

    def _list(self, boot: str) -> Path:
        """SHA256SUMS, as the class has it made."""
        sums = self.folder / "sums/SHA256SUMS"
        d = bb.data.init()
        values = {"PN": "disk", "DEPLOY_DIR_IMAGE": self.folder / "deploy", "PVROOT_SUMS": sums,
                  "IMAGE_BOOT_FILES": f"{boot} {sums};SHA256SUMS"}  # fmt: skip
        for name, value in values.items():
            d.setVar(name, str(value))
        pvbb.root.list_boot_files(d)
        return sums

    def check(self, image: Path) -> None:
        job = jobs.CheckImage(
            image, self.storage, self.device.folder / "keys/ca.crt", sim.EPOCH, self.folder / "checked"
        )
        factory.check_laid_out(job)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    checkout = find("scarthgap")
    if checkout is None:
        pytest.skip(why_missing("scarthgap"))
    device = sim.make(tmp_path / "device")
    made = Workshop(checkout, tmp_path, device)
    disk.build_storage(made.storage, Board(), device.storage, epoch=sim.EPOCH, seed=device.state.digest())
    (tmp_path / "deploy/bootfiles").mkdir(parents=True)
    (tmp_path / "deploy/bootfiles/config.txt").write_text("arm_64bit=1\n")
    (tmp_path / "deploy/boot.scr").write_bytes(script())
    (tmp_path / "deploy/loader.efi").write_bytes(device.loader.read_bytes())
    (tmp_path / "tools").mkdir()
    for name in TOOLS.split():
        (tmp_path / "tools" / name).symlink_to(tools.need(name, package="parted gdisk dosfstools mtools"))
    return made


def ours(machine: Machine) -> str:
    return (LAYER / "wic" / machine.wks).read_text()


def vendors(checkout: Checkout, machine: Machine) -> str:
    """The file of the BSP layer with two lines changed, and what else is not ours."""
    assert machine.vendor
    text = (checkout.folder / machine.vendor).read_text()
    align = re.search(r"^part / .*?( --align \d+|)$", text, re.MULTILINE)
    for pattern, line in [(r"part / .*", f"{machine.storage}{align[1] if align else ''}"), *machine.edit]:
        text, count = re.subn(rf"^{pattern}$", lambda _, line=line: line, text, flags=re.MULTILINE)
        assert count == 1, pattern
    return text


def parts(image: Path) -> list[tuple[int, str, str, int, int]]:
    return [
        (part.index, part.name, part.kind, part.start, part.size)
        for part in inspect.inspect(image).partitions
    ]


def firmware(image: Path) -> list[tuple[str, str]]:
    """The digests of blobs at fixed places, and of partitions that the firmware alone reads."""
    return [(note.where, note.sentence) for note in audit.verify(image, strict=False).notes]


def boot_files(image: Path) -> list[str]:
    with opened(image, Findings()) as found:
        (boot,) = found.contents.boots
        return sorted(boot.files)


@pytest.mark.parametrize("name", MACHINES)
def test_a_disk_passes_the_verifier_with_the_storage_bit_for_bit(workshop: Workshop, name: str) -> None:
    machine = MACHINES[name]
    image = workshop.lay_out(machine, ours(machine), "ours")
    workshop.check(image)


@pytest.mark.parametrize("name", MACHINES)
def test_the_same_input_makes_the_same_disk(workshop: Workshop, name: str) -> None:
    """At another time: the clock of a FAT counts by two seconds."""
    machine = MACHINES[name]
    first = workshop.lay_out(machine, ours(machine), "first")
    time.sleep(2.1)
    assert workshop.lay_out(machine, ours(machine), "second").read_bytes() == first.read_bytes()


@pytest.mark.parametrize("name", [name for name, machine in MACHINES.items() if machine.vendor])
def test_a_disk_is_laid_out_as_the_vendors_file_with_two_lines_changed(
    workshop: Workshop, name: str
) -> None:
    machine = MACHINES[name]
    theirs = workshop.lay_out(machine, vendors(workshop.checkout, machine), "vendors")
    workshop.check(theirs)
    image = workshop.lay_out(machine, ours(machine), "ours")
    assert parts(image) == parts(theirs)
    assert boot_files(image) == boot_files(theirs)
    assert firmware(image) == firmware(theirs)


def test_a_storage_that_a_label_changed_is_refused(workshop: Workshop) -> None:
    machine = MACHINES["boot"]
    wks = ours(machine).replace(STORAGE, f"{STORAGE} --label data")
    image = workshop.lay_out(machine, wks, "labelled")
    with pytest.raises(FormatError, match="bit for bit"):
        workshop.check(image)


def test_a_boot_file_that_nothing_deployed_is_named_before_wic_runs(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine("pantavisor-boot.wks", "boot.scr missing.dtb")
    with pytest.raises(bb.BBHandledException):
        workshop.lay_out(machine, ours(machine), "missing")
    assert "IMAGE_BOOT_FILES names missing.dtb" in caplog.text and "PVROOT_BOOT_DEPENDS" in caplog.text
