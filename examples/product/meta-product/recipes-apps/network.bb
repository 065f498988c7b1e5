# SPDX-License-Identifier: MIT
SUMMARY = "The device's network: eth0 by DHCP"
LICENSE = "GPL-2.0-only"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/GPL-2.0-only;md5=801f80980d171dd6425610833a22dbe6"
PVR_DOCKER_REF = "docker.io/library/busybox:1.37"
SRC_URI = "file://network.json"
PVR_CONFIG_JSON = "network.json"
PVR_VOLUMES = "/tmp:boot"
PVR_GROUP = "platform"
# The network is the device's own, and new containers may not change it.
PVR_ARGS = "PV_SECURITY_CAP_ADD=net_admin,net_raw"
inherit pvrexport
