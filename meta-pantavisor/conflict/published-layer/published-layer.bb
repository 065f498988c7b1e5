# SPDX-License-Identifier: MIT
# Read only where the published layer is in the build too.
SUMMARY = "Ends a parse in which the classes of one layer would hide those of the other"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

python () {
    bb.fatal("bblayers.conf has the published layer, meta-pantavisor, next to this one, pantavisor: "
             "their classes have the same names\n  hint: remove one of the two from BBLAYERS")
}
