# SPDX-License-Identifier: MIT
# A program for the machine that builds: goes into RECIPE_SYSROOT_NATIVE of those that have <PN>-native in
# DEPENDS.
CLASSOVERRIDE = "class-native"
PACKAGE_ARCH = "${BUILD_ARCH}"
HOST_ARCH = "${BUILD_ARCH}"
HOST_PREFIX = "${BUILD_PREFIX}"
TARGET_ARCH = "${BUILD_ARCH}"
TUNE_CCARGS = ""
TOOLCHAIN_OPTIONS = ""
baselib = "lib"
STAGING_DIR_HOST = "${RECIPE_SYSROOT_NATIVE}"
EXTRANATIVEPATH ??= ""
