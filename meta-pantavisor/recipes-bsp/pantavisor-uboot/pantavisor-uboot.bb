# SPDX-License-Identifier: MIT
SUMMARY = "Boot script for U-Boot, choosing the revision to boot"
DESCRIPTION = "A script that U-Boot's distro_bootcmd finds on the boot partition. It notes tries and \
failed boots before they start: where they cannot be noted, no revision is ever tried."
HOMEPAGE = "https://www.denx.de/project/u-boot/"
SECTION = "bootloaders"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

SRC_URI = "file://boot.cmd"
DEPENDS = "u-boot-tools-native"
# A machine of another architecture needs its own name for mkimage below.
COMPATIBLE_HOST = "(aarch64|arm)-.*linux"
PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit pantavisor-deployed

PANTAVISOR_UBOOT_ARGS ??= "console=${PANTAVISOR_UBOOT_CONSOLE}"
PANTAVISOR_UBOOT_ARGS[doc] = "The kernel's command line on boards with U-Boot, without the revision. The \
words of oemargs in oemEnv.txt on the boot partition are added."
PANTAVISOR_UBOOT_CONSOLE ??= "${@','.join(reversed((d.getVar('SERIAL_CONSOLES') or \
    '115200;ttyS0').split()[0].split(';')[:2]))}"
PANTAVISOR_UBOOT_CONSOLE[doc] = "Serial console of the machine, as in the kernel's console=. Default: the \
first of SERIAL_CONSOLES."
PANTAVISOR_UBOOT_COMMAND ??= "${@pvbb.boards.command(d)}"
PANTAVISOR_UBOOT_COMMAND[doc] = "Command of U-Boot that starts a kernel of this machine: booti, bootz or \
bootm. Default: by KERNEL_IMAGETYPE and the architecture."
PANTAVISOR_UBOOT_NOTES ??= "env"
PANTAVISOR_UBOOT_NOTES[doc] = "Where tries and failed boots are noted: env, U-Boot's own environment, \
which saveenv has to keep, in two copies where the board can; fat, one sector of the boot partition, for \
boards that keep no environment."
PANTAVISOR_UBOOT_FIT ??= ""
PANTAVISOR_UBOOT_FIT[doc] = "Configuration of a FIT that is booted, as #conf-board.dtb. Empty: the FIT's \
default."

do_compile() {
    {
        echo 'pv_b_args="${PANTAVISOR_UBOOT_ARGS}"'
        echo 'pv_b_boot="${PANTAVISOR_UBOOT_COMMAND}"'
        echo 'pv_b_fit="${PANTAVISOR_UBOOT_FIT}"'
        echo 'pv_b_notes="${PANTAVISOR_UBOOT_NOTES}"'
        cat ${S}/boot.cmd
    } > ${B}/boot.cmd
    # By the time of SOURCE_DATE_EPOCH, which mkimage reads.
    mkimage -A ${@'arm64' if d.getVar('TARGET_ARCH') == 'aarch64' else 'arm'} -T script -C none \
        -n pantavisor -d ${B}/boot.cmd ${B}/pantavisor-boot.scr
    # Nothing is noted yet.
    : > ${B}/nothing
    mkenvimage -s 512 -p 0 -o ${B}/pantavisor-notes.env ${B}/nothing
}
do_compile[dirs] = "${B}"

do_deploy() {
    install -m 0644 ${B}/pantavisor-boot.scr ${B}/pantavisor-notes.env ${DEPLOYDIR}/
}
addtask deploy after do_compile before do_build
