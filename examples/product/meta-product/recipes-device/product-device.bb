# SPDX-License-Identifier: MIT
SUMMARY = "The product's device"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
PVROOT_CONTAINERS = "network web"
inherit pvroot-image
