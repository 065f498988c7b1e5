# SPDX-License-Identifier: MIT
require recipes-pv/pantavisor-initramfs/pantavisor-initramfs-content.inc
SUMMARY = "What the initramfs with pantavisor as PID 1 is made of"

# Before packagegroup, which reads it.
PACKAGE_ARCH = "${MACHINE_ARCH}"
inherit packagegroup

# kernel-base lists what is built into the kernel.
RDEPENDS:${PN} = "pantavisor pantavisor-config kernel-base"
# Loaded by the C library when a thread is cancelled; nothing names it.
RDEPENDS:${PN}:append:libc-glibc = " libgcc"
# A module that is built in has no package.
INITRAMFS_MODULES = "${PANTAVISOR_INITRAMFS_MODULES} ${PANTAVISOR_INITRAMFS_MODULES_OPTIONAL}"
RRECOMMENDS:${PN} = "${@' '.join('kernel-module-' + name.replace('_', '-') \
    for name in d.getVar('INITRAMFS_MODULES').split())} ${PANTAVISOR_INITRAMFS_FSCK}"
