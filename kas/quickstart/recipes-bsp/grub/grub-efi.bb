# SPDX-License-Identifier: MIT
SUMMARY = "GRUB's modules for EFI machines"
LICENSE = "GPL-3.0-or-later"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/GPL-3.0-or-later;md5=1c76c4cc354acaac30ed4d5eefea7245"

DEB_PACKAGES = "grub-efi-${DEB_ARCH}-bin"
DEB_KEEP = "grub-efi-*-bin"

inherit deb-packages

do_compile[noexec] = "1"

do_install() {
    install -d ${D}${libdir}
    cp -a --no-preserve=ownership ${DEB_ROOT}/usr/lib/grub ${D}${libdir}/
    # Ready-made programs; ours is made of the modules.
    rm -rf ${D}${libdir}/grub/*/monolithic
}
