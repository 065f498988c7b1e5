# SPDX-License-Identifier: MIT
require recipes-pv/pantavisor-initramfs/pantavisor-initramfs.inc

DEPENDS += "lxc mbedtls virtual/libc e2fsprogs"

# libgcc_s is loaded by the C library when a thread is cancelled; nothing names it.
PANTAVISOR_INITRAMFS_PROGRAMS ?= "${bindir}/pantavisor ${libdir}/libgcc_s.so.1 ${base_sbindir}/e2fsck"
INITRAMFS_ZSTD_LEVEL ??= "19"
INITRAMFS_ZSTD_LEVEL[doc] = "1 to 22: how hard to compress."
MODULES_TARBALL = "modules-${MACHINE}.tgz"

DEB_LIB_CHECKSUMS = "${@debpkg.host.checksums(d)}"
DEB_LIB_CHECKSUMS[vardepvalue] = ""

python do_compile() {
    debpkg.tasks.pack_initramfs(d)
}
# BitBake follows only calls by full dotted name, so what the task reads is listed.
do_compile[vardeps] += "PANTAVISOR_INITRAMFS_PROGRAMS PANTAVISOR_INITRAMFS_MODULES \
    PANTAVISOR_INITRAMFS_MODULES_OPTIONAL"
do_compile[vardeps] += "PANTAVISOR_INITRAMFS_DIRECTORIES PANTAVISOR_INITRAMFS_LINKS \
    PANTAVISOR_INITRAMFS_CONFIG_FILES"
do_compile[vardeps] += "STRIP INITRAMFS_ZSTD_LEVEL SOURCE_DATE_EPOCH"
do_compile[file-checksums] += "${DEB_LIB_CHECKSUMS}"
