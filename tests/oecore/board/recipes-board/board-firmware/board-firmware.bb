# SPDX-License-Identifier: MIT
SUMMARY = "What BSP layers deploy for the firmware of their boards, by the names alone"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
PROVIDES = "virtual/bootloader u-boot rpi-bootfiles imx-boot virtual/trusted-firmware-a virtual-optee-os"

INHIBIT_DEFAULT_DEPS = "1"
PACKAGE_ARCH = "${MACHINE_ARCH}"
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"

inherit deploy nopackages

do_configure[noexec] = "1"
do_compile[noexec] = "1"
do_install[noexec] = "1"

BOARD_FIRMWARE = ""
# boot.scr is the BSP layer's, which that of pantavisor-uboot replaces.
BOARD_FIRMWARE:rpi = "bootfiles/start4.elf bootfiles/fixup4.dat bootfiles/config.txt u-boot.bin boot.scr"
BOARD_FIRMWARE:mx8-generic-bsp = "imx-boot.tagged extlinux.conf"
BOARD_FIRMWARE:stm32mp15-disco = "\
    arm-trusted-firmware/tf-a-stm32mp157f-dk2-sdcard.stm32 arm-trusted-firmware/metadata.bin \
    fip/fip-stm32mp157f-dk2-optee.bin \
"

do_deploy() {
    for name in ${BOARD_FIRMWARE}; do
        mkdir -p $(dirname ${DEPLOYDIR}/$name)
        yes $name | head -n 999 > ${DEPLOYDIR}/$name
    done
}
addtask deploy after do_configure before do_build
