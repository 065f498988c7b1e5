# SPDX-License-Identifier: MIT
SUMMARY = "A container for a machine of any architecture"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
SRC_URI = "file://rootfs"
PVR_ROOTFS = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}/rootfs"
PVR_ARGS = "PV_SECURITY_CAP_ADD=net_admin"
inherit pvrexport
