# SPDX-License-Identifier: MIT
# As linux-yocto: fragments are merged into a configuration of the kernel's own source.
require linux-source.inc
inherit kernel-yocto

KBUILD_DEFCONFIG = "${KERNEL_DEFCONFIG}"
# Without it, what the file does not name is off, and on ARM that is the ABI.
KCONFIG_MODE:arm = "--alldefconfig"
KERNEL_FRAGMENTS ?= ""
SRC_URI += "${KERNEL_FRAGMENTS}"
