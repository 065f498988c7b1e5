# SPDX-License-Identifier: MIT
SUMMARY = "A program that meson builds against a library of the sysroot"
LICENSE = "MIT"
SRC_URI = "file://probe-meson-1.0/meson.build file://probe-meson-1.0/main.c"
DEPENDS = "libprobe"

inherit meson pkgconfig deploy nopackages

EXTRA_OEMESON += "-Dwerror=true"

do_deploy() {
	install -m 0755 ${D}${bindir}/answer ${DEPLOYDIR}/answer
}
addtask deploy after do_install before do_build
