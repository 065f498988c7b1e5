# SPDX-License-Identifier: MIT
SUMMARY = "A container from a Docker image"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
PVR_DOCKER_REF = "localhost:5000/app:1"
PVR_DOCKER_DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
# A device without a container for its network is warned of.
PVR_ARGS = "PV_SECURITY_CAP_ADD=net_admin"
inherit pvrexport
