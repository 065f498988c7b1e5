# SPDX-License-Identifier: MIT
SUMMARY = "Demonstration device: a system container and a web server on one signed state"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

PVROOT_CONTAINERS = "demo-system demo-nginx pv-sdk"

inherit pvroot-image
