# SPDX-License-Identifier: MIT
SUMMARY = "This machine's apt and pseudo: the file from which openembedded-core makes apt's configuration"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
SRC_URI = "file://apt.conf.sample"
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"
PROVIDES = "apt-native virtual/fakeroot-native"

INHIBIT_DEFAULT_DEPS = "1"

inherit native

do_install() {
    install -D -m 0644 ${S}/apt.conf.sample ${D}${sysconfdir}/apt/apt.conf.sample
}
