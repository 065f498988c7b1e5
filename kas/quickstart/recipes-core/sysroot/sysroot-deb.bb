# SPDX-License-Identifier: MIT
SUMMARY = "C library, LXC, mbed TLS and zlib for the target, with headers and pkg-config files, and e2fsck"
DESCRIPTION = "One recipe for all of them, because they come from one closure of packages that belong \
together."
LICENSE = "LGPL-2.1-or-later & Apache-2.0 & Zlib & GPL-2.0-only"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

PROVIDES = "virtual/libc lxc mbedtls zlib e2fsprogs"

DEB_PACKAGES = "libc6-dev lxc-dev|liblxc-dev libmbedtls-dev zlib1g-dev e2fsprogs"
# Not the tools that the development package of LXC needs as well.
DEB_KEEP = "lib* linux-libc-dev lxc-dev zlib1g* e2fsprogs"

inherit deb-packages

do_compile[noexec] = "1"

do_install() {
    install -d ${D}
    cp -a --no-preserve=ownership ${DEB_ROOT}/usr ${D}/
    rm -rf ${D}/usr/share/doc ${D}/usr/share/man ${D}/usr/share/locale ${D}/usr/share/lintian \
        ${D}/usr/share/bash-completion
    for name in bin sbin lib lib64; do
        ln -sfn usr/$name ${D}/$name
    done
}
