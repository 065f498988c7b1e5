# SPDX-License-Identifier: MIT
# For builds without meta-virtualization, which has all of LXC: the library alone, as the runtime calls it.
SUMMARY = "liblxc: containers"
HOMEPAGE = "https://linuxcontainers.org/lxc/"
SECTION = "libs"
LICENSE = "LGPL-2.1-or-later"
LIC_FILES_CHKSUM = "\
    file://COPYING;md5=4b6551da9cb7d5b3017d1c0a3e31469b \
    file://LICENSE.LGPL2.1;md5=4fbd65380cdd255951079008b364516c \
"

DEPENDS = "libcap libseccomp"

SRC_URI = "https://linuxcontainers.org/downloads/lxc/lxc-${PV}.tar.gz"
SRC_URI[sha256sum] = "872d26ce8512b9f993d194816e336bf9f3ad8326f22dc24ef0f01f85599fa8b9"

inherit meson pkgconfig

EXTRA_OEMESON = "\
    -Dcapabilities=true -Dseccomp=true -Dapparmor=false -Dselinux=false -Dopenssl=false -Ddbus=false \
    -Dcommands=false -Dtools=false -Dpam-cgroup=false -Dman=false -Dexamples=false -Dtests=false \
    -Dspecfile=false \
    -Dinstall-init-files=false -Dinstall-state-dirs=false -Dmemfd-rexec=false -Ddistrosysconfdir=default \
"

# Templates, hooks and configurations are for the commands.
do_install:append() {
    rm -rf ${D}${bindir} ${D}${sbindir} ${D}${libexecdir} ${D}${datadir} ${D}${sysconfdir} \
        ${D}${localstatedir} \
        ${D}${libdir}/lxc
}
