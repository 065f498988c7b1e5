# SPDX-License-Identifier: MIT
# USB sticks: an export of a whole state at the top of one, as *.pvrexport.tgz or *.pvrexport.tar, is given
# to the device, which tries it if its signatures verify (docs/updates.md). The root is one program. A
# device has it if its image names it:
#
#   PVROOT_CONTAINERS:append = " pv-usb"
#
# Everyone who can plug in a stick can then have the device run any other state that verifies.
SUMMARY = "Updates from USB sticks, without a network"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

DEPENDS = "pantavisor"
SRC_URI = "file://config.json"

PVR_ROOTFS = "${WORKDIR}/rootfs"
PVR_CONFIG_JSON = "config.json"
PVR_CONTAINER = "${PN}"
PVR_GROUP = "platform"
PVR_ROLES = "mgmt"
# It mounts sticks. The process that reads one has given up its rights before.
PVR_CONFINED = "0"
# It is made of what was just installed.
PVR_SOURCE_DATE_EPOCH = "1"

inherit pvrexport

pv_usb_rootfs() {
	install -D -m 0755 ${STAGING_LIBDIR}/pantavisor/pv-usb ${PVR_ROOTFS}/pv-usb
	install -d ${PVR_ROOTFS}/stick
}
pv_usb_rootfs[cleandirs] = "${PVR_ROOTFS}"
do_pvrexport[prefuncs] += "pv_usb_rootfs"
