# SPDX-License-Identifier: MIT
SUMMARY = "A device that runs it"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"
PVROOT_CONTAINERS = "greeter-image"
inherit pvroot-image
