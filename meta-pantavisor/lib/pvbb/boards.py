# SPDX-License-Identifier: MIT
"""What is known of machines: which boot loader chooses the revision, and which wks of the layer lays out
the disk.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import bb.build

if TYPE_CHECKING:
    from typing import Any

GRUB, U_BOOT = "grub", "uboot"  # values of PANTAVISOR_BOOTLOADER
NOTES = "pv-notes.env"  # on the boot partition; U-Boot writes it at each boot
# By an override of the machine; the first that fits.
LAYOUTS = {
    "rpi": "pantavisor-raspberrypi.wks",
    "mx8-generic-bsp": "pantavisor-imx-boot.wks.in",
    "mx9-generic-bsp": "pantavisor-imx-boot.wks.in",
    "stm32mp15-disco": "pantavisor-stm32mp157f-dk2.wks",
}

# Of images with packages.
UNUSED_TASKS = (
    "do_populate_sdk", "do_populate_sdk_ext", "do_sdk_depends",
    "do_create_rootfs_spdx", "do_create_image_spdx", "do_create_image_sbom_spdx",
)  # fmt: skip


def loader(d: Any) -> str:
    """GRUB on machines that start by EFI, which of those of x86 not every release of openembedded-core
    notes.
    """
    has_efi = "efi" in (d.getVar("MACHINE_FEATURES") or "").split()
    is_x86 = re.fullmatch("x86_64|i[3-6]86", d.getVar("TARGET_ARCH") or "")
    return GRUB if has_efi or is_x86 else U_BOOT


def script(d: Any) -> str:
    """The entries of IMAGE_BOOT_FILES that a board with U-Boot needs, or nothing."""
    if d.getVar("PANTAVISOR_BOOTLOADER") != U_BOOT:
        return ""
    # Made here: a file that U-Boot makes is one more name that a power cut can tear.
    notes = f" pantavisor-notes.env;{NOTES}" if d.getVar("PANTAVISOR_UBOOT_NOTES") == "fat" else ""
    return "pantavisor-boot.scr;boot.scr" + notes


def command(d: Any) -> str:
    """What starts the kernel in U-Boot, by the form that the kernel has."""
    if (d.getVar("PVR_BSP_KERNEL") or d.getVar("KERNEL_IMAGETYPE") or "").startswith("uImage"):
        return "bootm"
    return "bootz" if d.getVar("TARGET_ARCH") == "arm" else "booti"


def layout(d: Any) -> str:
    """The wks of this layer for the machine and its PANTAVISOR_BOOTLOADER."""
    overrides = (d.getVar("MACHINEOVERRIDES") or "").split(":")
    for override, wks in LAYOUTS.items():
        if override in overrides:
            return wks
    return "pantavisor-efi.wks" if d.getVar("PANTAVISOR_BOOTLOADER") == GRUB else "pantavisor-boot.wks"


def install_nothing(d: Any) -> None:
    """Leave do_rootfs of an image empty: neither packages nor what installs them are built for it. No SDK
    is made of it, and its bill of materials is ours.
    """
    for flag in ("depends", "rdepends", "recrdeptask", "vardeps", "file-checksums"):
        d.delVarFlag("do_rootfs", flag)
    d.setVar("do_rootfs", "    pass\n")
    # It and the tasks after it run as root in appearance.
    d.setVarFlag("do_rootfs", "depends", "virtual/fakeroot-native:do_populate_sysroot")
    for task in UNUSED_TASKS:
        bb.build.deltask(task, d)
