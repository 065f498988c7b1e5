# SPDX-License-Identifier: MIT
# A configuration that is used as it is.
require linux-source.inc

SRC_URI += "file://defconfig"
