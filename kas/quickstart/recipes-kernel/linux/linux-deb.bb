# SPDX-License-Identifier: MIT
SUMMARY = "The distribution's kernel for virtual machines, with all of its modules"
LICENSE = "GPL-2.0-only"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/GPL-2.0-only;md5=801f80980d171dd6425610833a22dbe6"

PROVIDES = "virtual/kernel"

DEB_KERNEL ??= "${@debpkg.host.kernel_package(d)}"
DEB_KERNEL[doc] = "Package of the kernel. The default is the one for virtual machines; linux-image-amd64 \
knows real boards."
DEB_PACKAGES = "${DEB_KERNEL}"
DEB_KEEP = "linux-image-* linux-modules-*"

inherit deb-packages

MODULES_TARBALL = "modules-${MACHINE}.tgz"

do_install[noexec] = "1"
deltask do_populate_sysroot

python do_compile() {
    debpkg.tasks.pack_kernel(d)
    debpkg.tasks.pack_modules(d)
}
do_compile[dirs] = "${B}"
do_compile[cleandirs] = "${B}"
do_compile[vardeps] += "MODULES_TARBALL KERNEL_IMAGETYPE SOURCE_DATE_EPOCH"
do_compile[file-checksums] += "${DEB_LIB_CHECKSUMS}"

do_deploy:append() {
    install -m 0644 ${B}/${KERNEL_IMAGETYPE} ${B}/${MODULES_TARBALL} ${DEPLOYDIR}/
}
addtask deploy after do_compile before do_build
