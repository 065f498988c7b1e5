# SPDX-License-Identifier: MIT
SUMMARY = "A device whose disk wic lays out"
LICENSE = "MIT"
PVROOT_CONTAINERS = "disk-app"
inherit pvroot-wic
