# SPDX-License-Identifier: MIT
SUMMARY = "Initramfs with pantavisor as PID 1"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

DEPENDS = "pantavisor pantavisor-config lxc mbedtls virtual/libc"
INHIBIT_DEFAULT_DEPS = "1"
PACKAGE_ARCH = "${MACHINE_ARCH}"
B = "${WORKDIR}/build"

inherit deploy nopackages

INITRAMFS_FILE = "pantavisor-initramfs-${MACHINE}.cpio.zst"
INITRAMFS_ZSTD_LEVEL ??= "19"
INITRAMFS_ZSTD_LEVEL[doc] = "1 to 22: how hard to compress."
MODULES_TARBALL = "modules-${MACHINE}.tgz"

# libgcc_s is loaded by the C library when a thread is cancelled; nothing names it.
INITRAMFS_PROGRAMS ??= "${bindir}/pantavisor ${libdir}/libgcc_s.so.1"
INITRAMFS_PROGRAMS[doc] = "Programs, and libraries that are loaded by name only; what they need comes along."
INITRAMFS_MODULES ??= "virtio_pci virtio_blk virtio_net virtio_scsi sd_mod ext4 loop squashfs overlay dm_mod dm_verity"
INITRAMFS_MODULES[doc] = "Kernel modules to load before the storage is looked for; what they need comes before them."
INITRAMFS_MODULES_OPTIONAL ??= "virtio_mmio virtio_console virtio_rng softdog i6300esb veth ahci nvme usb_storage \
    uas xhci_pci ehci_pci mmc_block sdhci_pci"
INITRAMFS_MODULES_OPTIONAL[doc] = "Modules that are loaded too where the kernel has them."
INITRAMFS_CONFIG_FILES = "/etc/pantavisor.config /etc/pantavisor/pvs/trust/ca-certificates.crt \
    ${@'/etc/pantavisor/pvs/signers' if d.getVar('PVS_SIGNERS') else ''}"
INITRAMFS_FILES ??= "${@' '.join(place + '=' + d.getVar('RECIPE_SYSROOT') + place for place in d.getVar('INITRAMFS_CONFIG_FILES').split())}"
INITRAMFS_FILES[doc] = "Further files: place=file, separated by blanks."
INITRAMFS_DIRECTORIES ??= "/dev /proc /sys /run /tmp /root /var /storage /volumes /configs /exports /writable \
    /lib/modules /lib/firmware"
INITRAMFS_DIRECTORIES[doc] = "Empty directories, mostly places to mount on."
INITRAMFS_LINKS ??= "/init=usr/bin/pantavisor /var/run=../run /pv=run/pantavisor/pv"
INITRAMFS_LINKS[doc] = "Symbolic links: place=target, separated by blanks."

# The places differ from build to build, the content is in the checksums.
INITRAMFS_FILES[vardepvalue] = ""

DEB_LIB_CHECKSUMS = "${@debpkg.host.checksums(d)}"
DEB_LIB_CHECKSUMS[vardepvalue] = ""

do_configure[noexec] = "1"
do_install[noexec] = "1"
deltask do_populate_sysroot

python do_compile() {
    debpkg.tasks.pack_initramfs(d)
}
do_compile[dirs] = "${B}"
do_compile[cleandirs] = "${B}"
do_compile[depends] += "virtual/kernel:do_deploy"
# BitBake follows only calls by full dotted name, so what the task reads is listed.
do_compile[vardeps] += "INITRAMFS_PROGRAMS INITRAMFS_MODULES INITRAMFS_MODULES_OPTIONAL INITRAMFS_DIRECTORIES"
do_compile[vardeps] += "STRIP INITRAMFS_LINKS INITRAMFS_ZSTD_LEVEL SOURCE_DATE_EPOCH"
do_compile[file-checksums] += "${DEB_LIB_CHECKSUMS}"

do_deploy() {
    install -m 0644 ${B}/${INITRAMFS_FILE} ${DEPLOYDIR}/
}
addtask deploy after do_compile before do_build
