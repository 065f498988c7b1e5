# SPDX-License-Identifier: MIT
SUMMARY = "Demonstration system container: an init, the network and two services"
LICENSE = "GPL-2.0-only"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/GPL-2.0-only;md5=801f80980d171dd6425610833a22dbe6"
# The registry that scripts/demo-images starts, by PVR_REGISTRY_MIRRORS in auto.conf.
PVR_DOCKER_REF = "registry.test/demo/system:1"
PVR_GROUP = "platform"
PVR_RESTART_POLICY = "system"
# It sets up the network of the device, and its init ends with reboot(2).
PVR_ARGS = "PV_SECURITY_CAP_ADD=net_admin,sys_boot"
inherit pvrexport
