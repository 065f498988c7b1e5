# SPDX-License-Identifier: MIT
# The management container: laptops clone the state of the device from http://DEVICE:12368/cgi-bin/pvr and
# post another one (docs/updates.md). Its root is one program. A device has it if its image names it:
#
#   PVROOT_CONTAINERS:append = " pv-sdk"
#
# Everyone in the network can then read the state and its objects, and have the device run any other state
# that verifies.
SUMMARY = "Management container: the state of the device for laptops in the network"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

DEPENDS = "pantavisor"
SRC_URI = "file://config.json"

PVR_ROOTFS = "${WORKDIR}/rootfs"
PVR_CONFIG_JSON = "config.json"
PVR_CONTAINER = "${PN}"
PVR_GROUP = "platform"
PVR_ROLES = "mgmt"
# It is made of what was just installed.
PVR_SOURCE_DATE_EPOCH = "1"

inherit pvrexport

pv_sdk_rootfs() {
	install -D -m 0755 ${STAGING_LIBDIR}/pantavisor/pv-sdk ${PVR_ROOTFS}/pv-sdk
}
pv_sdk_rootfs[cleandirs] = "${PVR_ROOTFS}"
do_pvrexport[prefuncs] += "pv_sdk_rootfs"
