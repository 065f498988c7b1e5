# SPDX-License-Identifier: MIT
SUMMARY = "A package that needs no compiler"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
SRC_URI = "file://greet"
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"

INHIBIT_DEFAULT_DEPS = "1"
PACKAGES = "${PN}"
FILES:${PN} = "/"
# Those who build as root own what is installed.
INSANE_SKIP:${PN} = "host-user-contaminated"

inherit allarch

do_install() {
    install -D -m 0755 ${S}/greet ${D}${base_sbindir}/init
    install -d -m 0700 -o 1000 -g 100 ${D}/home/app
}
