# SPDX-License-Identifier: MIT
SUMMARY = "What the runtime is configured to do, and whom the device trusts"
DESCRIPTION = "For the initramfs: /etc/pantavisor.config and the trust store. Without either a device \
stops at its start."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

PACKAGE_ARCH = "${MACHINE_ARCH}"

PVS_FILES = "PVS_CA"
inherit pantavisor-files pvs-keys

PANTAVISOR_SECUREBOOT_MODE ??= "strict"
PANTAVISOR_SECUREBOOT_MODE[doc] = "What a device does about signatures. strict: every path of a state \
must be signed, lenient: what is signed must be right, audit: what is wrong is logged, disabled: no \
signature is read."
PANTAVISOR_SECUREBOOT_SET ??= "0"
PANTAVISOR_SECUREBOOT_SET[doc] = "1: a revision needs a set signature, as pvroot-image makes it with \
PVROOT_RELEASE, so that no part can be taken out or exchanged for that of another release."
PANTAVISOR_BOOTLOADER ??= "${@pvbb.boards.loader(d)}"
PANTAVISOR_BOOTLOADER[doc] = "grub or uboot: what chooses the revision to boot. The runtime reads its boot \
environment, and pvroot-wic puts it onto the disk. Default: grub on machines with EFI."
PANTAVISOR_STORAGE_DEVICE ??= "LABEL=root"
PANTAVISOR_STORAGE_DEVICE[doc] = "The storage partition, where the boot loader does not name it: \
PARTUUID=, LABEL=, UUID= or a path."
PANTAVISOR_STORAGE_WAIT ??= "30"
PANTAVISOR_STORAGE_WAIT[doc] = "Seconds to wait for the storage."
PANTAVISOR_LOG_LEVEL ??= "3"
PANTAVISOR_LOG_LEVEL[doc] = "0 fatal, 1 error, 2 warn, 3 info, 4 debug."
PANTAVISOR_CONFIG ??= ""
PANTAVISOR_CONFIG[doc] = "Further keys of docs/runtime.md, separated by blanks: \
PV_UPDATER_GOALS_TIMEOUT=60."

do_compile[noexec] = "1"

do_install() {
    install -D -m 0644 ${PVS_CA} ${D}${sysconfdir}/pantavisor/pvs/trust/ca-certificates.crt
    if [ -n "${PVS_SIGNERS}" ]; then
        install -m 0644 "${PVS_SIGNERS}" ${D}${sysconfdir}/pantavisor/pvs/signers
    fi
    printf '%s\n' PV_SECUREBOOT_MODE=${PANTAVISOR_SECUREBOOT_MODE} \
        PV_SECUREBOOT_SET=${PANTAVISOR_SECUREBOOT_SET} PV_BOOTLOADER_TYPE=${PANTAVISOR_BOOTLOADER} \
        PV_STORAGE_DEVICE=${PANTAVISOR_STORAGE_DEVICE} PV_STORAGE_WAIT=${PANTAVISOR_STORAGE_WAIT} \
        PV_LOG_LEVEL=${PANTAVISOR_LOG_LEVEL} ${PANTAVISOR_CONFIG} > ${D}${sysconfdir}/pantavisor.config
    chmod 0644 ${D}${sysconfdir}/pantavisor.config
}
do_install[file-checksums] += "${PVS_CA}:True ${PVS_SIGNERS_CHECKSUMS}"

FILES:${PN} = "${sysconfdir}"
# The recipe of an initramfs finds it in its sysroot.
SYSROOT_DIRS += "${sysconfdir}"
