# SPDX-License-Identifier: MIT
SUMMARY = "Web server"
LICENSE = "BSD-2-Clause"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/BSD-2-Clause;md5=cb641bc04cda31daea161b1bc15da69f"
PVR_DOCKER_REF = "docker.io/library/nginx:1.27"
PVR_VOLUMES = "/var/cache/nginx:boot /run:boot"
inherit pvrexport
