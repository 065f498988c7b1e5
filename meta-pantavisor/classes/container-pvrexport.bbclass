# SPDX-License-Identifier: MIT
# A container of the state from packages that this build makes. A whole recipe:
#
#   SUMMARY = "SSH server"
#   LICENSE = "MIT"
#   IMAGE_INSTALL = "busybox dropbear"
#   inherit container-pvrexport
#
# It is an image recipe, with all that one may have. It starts /sbin/init, unless PVR_CONFIG_JSON names
# something else; /var is kept, as a permanent overlay. Other variables are those of pvr-container.

IMAGE_FSTYPES = "pvrexportit"
# No kernel, no modules and no boot loader are in it.
KERNELDEPMODDEPEND = ""
KERNEL_DEPLOY_DEPEND = ""

inherit image pvr-image
