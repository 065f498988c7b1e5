SUMMARY = "Demonstration web server"
LICENSE = "BSD-2-Clause"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/BSD-2-Clause;md5=cb641bc04cda31daea161b1bc15da69f"
PVR_DOCKER_REF = "localhost:5000/demo/nginx:1"
inherit pvrexport
