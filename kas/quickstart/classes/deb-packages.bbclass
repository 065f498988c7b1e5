# SPDX-License-Identifier: MIT
# Files from the host distribution's binary packages, for the machine's architecture.
#
#   DEB_PACKAGES = "linux-image-cloud-amd64"
#   DEB_KEEP = "linux-image-*"
#   inherit deb-packages
#
#   do_install() {
#       install -D -m 0644 ${DEB_ROOT}/usr/lib/... ${D}/...
#   }
#
# do_fetch asks the distribution's package client for the closure of DEB_PACKAGES, with a state of its own
# below TMPDIR: no root, no foreign architecture in dpkg, nothing of the host's packages is read or changed.
# What was resolved is recorded in DL_DIR (deb-<architecture>/<PN>-<request>.list: name, version,
# architecture, sha256 and file), and as long as the record's files exist it is what every build uses,
# with or without network. Remove the record for newer ones. do_unpack checks each file against the record
# and unpacks all of them into DEB_ROOT.

inherit deploy nopackages

DEB_PACKAGES ??= ""
DEB_PACKAGES[doc] = "Packages to fetch, with all that they need. one|other: the first of them that the \
archive has."
DEB_KEEP ??= "*"
DEB_KEEP[doc] = "Patterns (as of the shell) of the package names that are kept from the closure; others \
are not fetched."
DEB_ARCH ??= "${@debpkg.host.architecture(d)}"
DEB_ARCH[doc] = "The distribution's name of the architecture."
DEB_DISTRIBUTION = "${@debpkg.host.distribution(d)}"
DEB_SOURCES ??= ""
DEB_SOURCES[doc] = "Sources file (.list or .sources) to read instead of the host's. Of either, only \
entries of the distribution's own archive count."
DEB_SOURCES[vardepvalue] = ""
DEB_FOREIGN_URI ??= ""
DEB_FOREIGN_URI[doc] = "Where the distribution's archive has architectures that the host's own archive has \
not. Ubuntu needs it for arm64 on amd64, Debian never."
DEB_FOREIGN_URI[vardepvalue] = ""

DEB_LABEL = "${PN}"
DEB_ROOT = "${WORKDIR}/deb"
DEB_STATE = "${TMPDIR}/deb-state/${DEB_ARCH}"
DEB_MANIFEST = "${WORKDIR}/${PN}-${MACHINE}.packages"

DEB_LIB_CHECKSUMS = "${@debpkg.host.checksums(d)}"
DEB_LIB_CHECKSUMS[vardepvalue] = ""

PACKAGE_ARCH = "${MACHINE_ARCH}"
INHIBIT_DEFAULT_DEPS = "1"
B = "${WORKDIR}/build"

do_configure[noexec] = "1"

python deb_fetch() {
    debpkg.tasks.fetch(d)
}
# The client's state and the record are shared by every recipe of the architecture.
deb_fetch[lockfiles] = "${DL_DIR}/deb-${DEB_ARCH}.lock"
# BitBake follows only calls by full dotted name, so what they read is listed.
deb_fetch[vardeps] += "DEB_PACKAGES DEB_KEEP DEB_ARCH DEB_DISTRIBUTION DEB_LABEL"
do_fetch[network] = "1"
do_fetch[postfuncs] += "deb_fetch"
do_fetch[vardeps] += "deb_fetch"
do_fetch[file-checksums] += "${DEB_LIB_CHECKSUMS}"

python deb_unpack() {
    debpkg.tasks.unpack(d)
}
deb_unpack[vardeps] += "DEB_PACKAGES DEB_KEEP DEB_ARCH DEB_DISTRIBUTION DEB_LABEL"
do_unpack[postfuncs] += "deb_unpack"
do_unpack[vardeps] += "deb_unpack"

do_deploy() {
    install -m 0644 ${DEB_MANIFEST} ${DEPLOYDIR}/
}
# Before do_populate_sysroot too: recipes that build with the files get their manifest.
addtask deploy after do_unpack before do_build do_populate_sysroot
