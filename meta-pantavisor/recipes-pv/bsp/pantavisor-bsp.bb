# SPDX-License-Identifier: MIT
SUMMARY = "Kernel, modules and PID 1 as the bsp part of a state"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

inherit bsp-pvrexport
