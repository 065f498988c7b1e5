# SPDX-License-Identifier: MIT
SUMMARY = "Demonstration web server"
LICENSE = "BSD-2-Clause"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/BSD-2-Clause;md5=cb641bc04cda31daea161b1bc15da69f"
# The registry that scripts/demo-images starts, by PVR_REGISTRY_MIRRORS in auto.conf.
PVR_DOCKER_REF = "registry.test/demo/nginx:1"
inherit pvrexport
